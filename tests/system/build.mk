# SPDX-License-Identifier: MIT
# dom0's images and the system tests. HYPERVISOR=xen compares with Debian's Xen, ONLY=text picks tests, SCENARIO= holds
# options of tests/system/machine.py, WORKERS= is how many files of tests run side by side, each emulator on one CPU.
# RELEASE= is the Debian that dom0 is made of; `make system-RELEASE` runs the core of the tests on one of them.

.PHONY: dom0 dom0-ram run-dom0 system system-slow system-core
HYPERVISOR ?= hospes
WORKERS    ?= 2
dom0_release  = $(or $(RELEASE),bookworm)
images_of     = $(BUILD)/dom0$(if $(filter-out bookworm,$(1)),-$(1))
dom0_images   = $(call images_of,$(dom0_release))
system_pytest = BUILD=$(abspath $(BUILD)) DOM0=$(abspath $(dom0_images)) ACCEL=$(ACCEL) /usr/bin/python3 -m pytest -c tests/system/pytest.ini \
                --hypervisor=$(HYPERVISOR)
system_tests  = $(system_pytest) tests/system -n $(WORKERS) --dist loadfile $(if $(ONLY),-k "$(ONLY)")

dom0:
	$(Q)dom0/image/build_image --release $(dom0_release) --output $(dom0_images) all
dom0-ram:
	$(Q)dom0/image/build_image --release $(dom0_release) --output $(dom0_images) ram
run-dom0: $(BUILD)/hospes.elf dom0-ram
	$(Q)BUILD=$(abspath $(BUILD)) DOM0=$(abspath $(dom0_images)) ACCEL=$(ACCEL) tests/system/machine.py --hypervisor $(HYPERVISOR) $(SCENARIO)
system: $(BUILD)/hospes.elf $(BUILD)/hospes.efi guests dom0
	$(Q)$(system_tests) -m fast
system-slow: $(BUILD)/hospes.elf $(BUILD)/hospes.efi guests dom0
	$(Q)$(system_tests)
# What every Debian's dom0 has to do: make system-trixie
system-core: $(BUILD)/hospes.elf dom0-ram
	$(Q)$(system_tests) -m core
system-%:
	$(Q)$(MAKE) --no-print-directory system-core RELEASE=$*
