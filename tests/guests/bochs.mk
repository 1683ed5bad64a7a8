# SPDX-License-Identifier: MIT
# Test guests under Bochs, for VMX and for SVM with NRIP save. Included by the top Makefile.

.PHONY: check-vmx check-intel
# A few guests on each kind of CPU, some minutes.
check-vmx: $(BUILD)/hospes.elf guests
	$(Q)OUT=$(BUILD) tests/guests/bochs.py --short --quiet
# Every guest on every model.
check-intel: $(BUILD)/hospes.elf guests
	$(Q)OUT=$(BUILD) tests/guests/bochs.py --quiet --all-models
