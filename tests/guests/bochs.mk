# SPDX-License-Identifier: MIT
# Test guests under Bochs, for VMX and for SVM with NRIP save. Included by the top Makefile.

FOR_TESTS += bochs:bochs /usr/share/bochs/BIOS-bochs-latest:bochsbios /usr/share/bochs/VGABIOS-lgpl-latest:vgabios \
             grub-mkrescue:grub-common xorriso:xorriso

.PHONY: check-vmx check-intel
check: check-vmx
# A few guests on each kind of CPU, some minutes.
check-vmx: $(BUILD)/hospes.elf guests
	$(Q)OUT=$(BUILD) tests/guests/bochs.py --short --quiet
# Every guest on every model.
check-intel: $(BUILD)/hospes.elf guests
	$(Q)OUT=$(BUILD) tests/guests/bochs.py --quiet --all-models
