# SPDX-License-Identifier: MIT
# Test guests under Bochs, for VMX and for SVM with NRIP save. The top Makefile includes this.

.PHONY: check-vmx check-intel
# A few guests on each kind of CPU: some minutes. Part of `make check`.
check-vmx: $(BUILD)/hospes.elf guests
	$(Q)OUT=$(BUILD) tests/guests/bochs.py --short --quiet
# Every guest on every machine, then Debian's dom0 and a guest of its, on one CPU and on two: about 20 minutes of a processor.
check-intel: $(BUILD)/hospes.elf guests dom0-ram
	$(Q)OUT=$(BUILD) tests/guests/bochs.py --quiet --all-machines; guests=$$?; \
	$(system_pytest) -v --durations=0 tests/system/test_bochs.py && exit $$guests
