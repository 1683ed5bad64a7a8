# SPDX-License-Identifier: MIT
# dom0's images and the system tests. HYPERVISOR=xen compares with Debian's Xen, ONLY=text picks tests, SCENARIO= holds
# options of tests/system/machine.py, WORKERS= is how many files of tests run side by side, each emulator on one CPU.

.PHONY: dom0 dom0-ram run-dom0 system system-slow
HYPERVISOR ?= hospes
WORKERS    ?= 2
system_pytest = BUILD=$(abspath $(BUILD)) ACCEL=$(ACCEL) /usr/bin/python3 -m pytest -c tests/system/pytest.ini \
                --hypervisor=$(HYPERVISOR)
system_tests  = $(system_pytest) tests/system -n $(WORKERS) --dist loadfile $(if $(ONLY),-k "$(ONLY)")

dom0_images   = $(BUILD)/dom0

dom0:
	$(Q)dom0/image/build_image --output $(dom0_images) all
dom0-ram:
	$(Q)dom0/image/build_image --output $(dom0_images) ram
run-dom0: $(BUILD)/hospes.elf dom0-ram
	$(Q)BUILD=$(abspath $(BUILD)) ACCEL=$(ACCEL) tests/system/machine.py --hypervisor $(HYPERVISOR) $(SCENARIO)
system: $(BUILD)/hospes.elf $(BUILD)/hospes.efi guests dom0
	$(Q)$(system_tests) -m fast
system-slow: $(BUILD)/hospes.elf $(BUILD)/hospes.efi guests dom0
	$(Q)$(system_tests)
