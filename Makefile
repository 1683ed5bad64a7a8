# SPDX-License-Identifier: MIT
# Builds, checks and runs Hospes. `make` leaves everything bootable in build/; `make help` lists the targets.
# BUILD=dir builds elsewhere, V=1 shows commands, DEBUG=1 checks lock order, ONLY=text picks unit tests by path.

BUILD ?= build
ifneq ($(BUILD),build)
  $(shell mkdir -p $(BUILD))
endif
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))
SHELL := /bin/bash
comma := ,
.DELETE_ON_ERROR:
.SECONDARY:

# --- tools -----------------------------------------------------------------------------------------------------------

LLVM    := 19
CXX     := clang++-$(LLVM)
CC      := clang-$(LLVM)
LINK    := ld.lld-$(LLVM)
AR      := llvm-ar-$(LLVM)
NM      := llvm-nm-$(LLVM)
OBJCOPY := llvm-objcopy-$(LLVM)
FORMAT  := clang-format-$(LLVM)
TIDY    := clang-tidy-$(LLVM)

# --- what is built ---------------------------------------------------------------------------------------------------

# boot/uefi is a program of its own, with its own rules.
SOURCES := $(filter-out boot/uefi/% $(EXCLUDE),$(sort $(shell find boot kernel arch drivers -name '*.cpp' -o -name '*.S')))
OBJECTS := $(patsubst %,$(BUILD)/%.o,$(SOURCES))
# Boot-only objects come last on the linker's command line: see linker.ld.
BOOT_ONLY := $(filter $(BUILD)/boot/% $(BUILD)/kernel/dom0/decompress%,$(OBJECTS))
ORDERED   := $(filter-out $(BOOT_ONLY),$(OBJECTS)) $(BOOT_ONLY)
LIBRARIES := $(addprefix /usr/lib/x86_64-linux-gnu/,liblzma.a libzstd.a libz.a)

WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Wold-style-cast -Wshadow -Werror
LANGUAGE := -std=c++23 -stdlib=libc++ -fno-exceptions -fno-rtti
HARDENED := -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST
MACHINE  := -ffreestanding -fno-threadsafe-statics -fno-c++-static-destructors -fno-stack-protector -fno-pic \
            -mno-red-zone -mno-sse -mno-mmx -mno-avx -mcmodel=kernel -fno-omit-frame-pointer \
            -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=.
KERNEL_CXX := $(LANGUAGE) $(MACHINE) $(HARDENED) $(WARNINGS) -O2 -g -I. $(if $(DEBUG),-DHOSPES_CHECK_LOCKS)
DEPENDENCIES = -MMD -MP

# Which source this is: git says it, and writes it into revision.txt when it makes an archive (.gitattributes).
REVISION := $(or $(shell grep -v Format packaging/revision.txt 2>/dev/null | cut -c1-12), \
                 $(shell git describe --always --exclude='*' --abbrev=12 --dirty=-modified 2>/dev/null),unknown)
# Grows with each build. One file in /boot and one package for each. Found out once, and only by what needs it.
ifeq ($(PACKAGE_VERSION),)
  PACKAGE_VERSION = $(eval PACKAGE_VERSION := $(shell packaging/package_version))$(PACKAGE_VERSION)
endif

.PHONY: all iso unit fuzz guests format format-check tidy layering deps toolchain test-packages run payload check \
        check-fast check-guests bench install clean help
all: $(BUILD)/hospes.elf $(BUILD)/hospes.gz $(BUILD)/hospes.iso
iso: $(BUILD)/hospes.iso

help:
	@printf '  %-24s %s\n' \
	    run "boot to dom0's shell in QEMU (ACCEL=kvm)" check "all tests" all "hypervisor and ISO, the default" \
	    check-fast "tests that need no emulator" "unit fuzz" "tests on the host" "guests check-guests" "test guests" \
	    "soak" "fuzzed hypercalls and 1,000 lives for SECONDS=N" \
	    "deb live docs" "packages, a live medium, made documents" check-packaging "packages, without an emulator" \
	    check-abi "the ABI beside other releases' headers" \
	    "system system-slow" "Debian's dom0 and guests" run-dom0 "dom0 without GRUB, SCENARIO=..." \
	    payload "one kernel as dom0, KERNEL=..." bench "cost of primitives, beside Xen's" \
	    "format format-check tidy" "style" layering "who includes whom" deps "install packages" \
	    "install clean" "the usual"

# Debian packages that are missing are installed, with sudo if need be: see the lists in tests/tools/packages.
toolchain:
	@tests/tools/packages build
test-packages: toolchain
	@tests/tools/packages test
deps: toolchain
	@tests/tools/packages build test dom0

# --- the hypervisor --------------------------------------------------------------------------------------------------

# Optimised as a whole by the linker, except boot code, whose place is told by its object file (linker.ld), and the
# functions that the compiler itself calls. What runs at exits, interrupts and switches is fast; what runs once, or for
# an administrator, is small.
WHOLE := -flto=thin
SMALL := -Oz
FAST  := $(addprefix arch/x86_64/,cpuid/cpuid_answer irq/irq irq/local_apic svm/svm_% virtual_apic/virtual_local% vmx/vmx_%) \
         $(addprefix arch/x86_64/guest/,exit_cpuid exit_dispatch exit_hypercall exit_memory exit_msr) \
         $(addprefix arch/x86_64/guest/,access_order guest_access guest_translation nested_tables run vcpu_events virtual_cpu) \
         $(addprefix drivers/iommu/,%_unit device_tables iommu mirror) kernel/evtchn/% kernel/grant/% \
         $(addprefix kernel/domain/,domain_list frame_table guest_presence para_clock physmap vcpu) \
         $(addprefix kernel/hypercall/,command_table event_channel_op grant/% guest_memory memory/mapping) \
         $(addprefix kernel/hypercall/,multicall sched_op set_timer_op table xen_version) kernel/lib/memory% \
         kernel/sched/% kernel/time/%
dead := $(strip $(foreach place,$(FAST),$(if $(filter $(place).cpp,$(SOURCES) $(EXCLUDE)),,$(place))))
$(if $(dead),$(error FAST in the Makefile names files that do not exist: $(dead)))
$(filter-out $(FAST:%=$(BUILD)/%.cpp.o),$(OBJECTS)): OPTIMISE += $(SMALL)
$(filter-out $(BOOT_ONLY) $(BUILD)/kernel/lib/memory_functions.cpp.o,$(OBJECTS)): OPTIMISE += $(WHOLE)

ALL_FLAGS = $(CXX) $(KERNEL_CXX) $(WHOLE) $(SMALL) $(FAST) $(INLINED)
$(BUILD)/flags: toolchain
	@mkdir -p $(@D); echo '$(ALL_FLAGS)' | cmp -s - $@ || echo '$(ALL_FLAGS)' >$@

$(BUILD)/revision: toolchain
	@mkdir -p $(@D); echo '$(REVISION)' | cmp -s - $@ || echo '$(REVISION)' >$@
$(BUILD)/kernel/version.cpp.o: $(BUILD)/revision
$(BUILD)/kernel/version.cpp.o tidy: private KERNEL_CXX += -DHOSPES_REVISION='"$(REVISION)"'

$(BUILD)/%.cpp.o: %.cpp $(BUILD)/flags
	$(call say,C++,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(KERNEL_CXX) $(OPTIMISE) $(DEPENDENCIES) -c $< -o $@
$(BUILD)/%.S.o: %.S $(BUILD)/flags
	$(call say,ASM,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -ffreestanding -mcmodel=kernel -fno-pic -g -I. $(DEPENDENCIES) -c $< -o $@

# Functions of up to so many instructions are inlined across files: above it the image grows, and no path gets shorter.
INLINED := -mllvm -import-instr-limit=50
link = $(LINK) -T linker.ld -nostdlib -static --gc-sections -z max-page-size=4096 -z norelro -z noexecstack \
       --no-pie --build-id=sha1 $(INLINED) --thinlto-cache-dir=$(BUILD)/lto --thinlto-jobs=2 -Map=$(BUILD)/hospes.map -o $@ \
       $(ORDERED) $(1) $(LIBRARIES)

# Two links: the first to know every address, the second with the table of names for backtraces.
$(BUILD)/no_symbols.S: boot/symbol_table.awk
	@mkdir -p $(@D); awk -f $< </dev/null >$@
$(BUILD)/hospes.first: $(OBJECTS) $(BUILD)/no_symbols.o linker.ld $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(call link,$(BUILD)/no_symbols.o)
$(BUILD)/symbols.S: $(BUILD)/hospes.first boot/symbol_table.awk
	$(Q)$(NM) -n -C $< | awk -f boot/symbol_table.awk >$@
$(BUILD)/%ymbols.o: $(BUILD)/%ymbols.S
	$(Q)$(CC) -c $< -o $@
$(BUILD)/hospes.elf.sym: $(BUILD)/hospes.first $(BUILD)/symbols.o
	$(call say,LINK,$@)
	$(Q)$(call link,$(BUILD)/symbols.o)

# Boot loaders and QEMU want a 32-bit ELF file around a multiboot image.
$(BUILD)/hospes.elf: $(BUILD)/hospes.elf.sym
	$(Q)$(OBJCOPY) --strip-all -O elf32-i386 $< $@
$(BUILD)/hospes.gz: $(BUILD)/hospes.elf
	$(Q)gzip -9 -n -c $< >$@
$(BUILD)/hospes.iso: $(BUILD)/hospes.gz boot/grub.cfg
	$(call say,ISO,$@)
	$(Q)rm -rf $(BUILD)/iso && mkdir -p $(BUILD)/iso/boot/grub && cp $(BUILD)/hospes.gz $(BUILD)/iso/boot/ && \
	cp boot/grub.cfg $(BUILD)/iso/boot/grub/ && \
	grub-mkrescue --compress=xz -o $@ $(BUILD)/iso >$(BUILD)/iso.log 2>&1 || \
	    { cat $(BUILD)/iso.log; exit 1; }

# --- tests on the host -----------------------------------------------------------------------------------------------

# Line tables are enough for a sanitizer's report, and much faster to make than full debug information.
HOST_CXX := -std=c++23 -stdlib=libc++ -gline-tables-only -I. -fno-omit-frame-pointer -Wall -Wextra \
            -Wno-unknown-warning-option -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
GTEST    := /usr/src/googletest/googletest

TEST_FILES   := $(sort $(shell find tests/unit -name '*_test.cpp'))
TEST_FILES   := $(if $(ONLY),$(sort $(foreach o,$(ONLY),$(foreach t,$(TEST_FILES),$(if $(findstring $(o),$(t)),$(t))))),$(TEST_FILES))
TEST_SOURCES := $(sort $(shell sed 's/\#.*//' tests/unit/sources.txt))
dead := $(strip $(filter-out $(wildcard $(TEST_SOURCES)),$(TEST_SOURCES)))
$(if $(dead),$(error tests/unit/sources.txt names files that do not exist: $(dead)))
TEST_OBJECTS := $(patsubst %.cpp,$(BUILD)/unit/%.o,$(TEST_FILES))
UNIT_OBJECTS := $(patsubst %.cpp,$(BUILD)/unit/%.o,$(TEST_SOURCES))

# Tests are compiled without optimization, which halves their time; what they test with a little, because it runs often.
UNIT_CXX     := $(HOST_CXX) $(SANITIZE) -isystem $(GTEST)/include
$(TEST_OBJECTS): LEVEL := -O0
$(UNIT_OBJECTS): LEVEL := -O1
$(TEST_OBJECTS): $(BUILD)/unit/precompiled-O0.pch
$(UNIT_OBJECTS): $(BUILD)/unit/precompiled-O1.pch

$(BUILD)/unit/precompiled-%.pch: tests/unit/precompiled.hpp Makefile | test-packages
	$(call say,HEADERS,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(UNIT_CXX) -$* -Wno-pragma-once-outside-header -fpch-instantiate-templates -x c++-header $< -o $@
$(BUILD)/unit/gtest/%.o: $(GTEST)/src/%.cc
	$(call say,GTEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++23 -stdlib=libc++ -O1 $(SANITIZE) -I$(GTEST)/include -I$(GTEST) -c $< -o $@
$(BUILD)/unit/%.o: %.cpp
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(UNIT_CXX) $(LEVEL) -include-pch $(BUILD)/unit/precompiled$(LEVEL).pch $(DEPENDENCIES) -c $< -o $@
# An archive, so that a test picked by ONLY= links just what it uses.
$(BUILD)/unit/production.a: $(UNIT_OBJECTS) tests/unit/sources.txt
	@rm -f $@; mkdir -p $(@D)
	$(Q)$(AR) rcs $@ $(UNIT_OBJECTS)
# Where the hypervisor's own allocations can be made to fail. No reference pulls the file out of an archive.
GATED_HEAP := $(BUILD)/unit/tests/fakes/failing_heap.o $(foreach new,_ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_tRKSt9nothrow_t,-Wl$(comma)--wrap=$(new))
$(BUILD)/unit/unit_tests: $(TEST_OBJECTS) $(BUILD)/unit/production.a $(BUILD)/unit/gtest/gtest-all.o \
                          $(BUILD)/unit/gtest/gtest_main.o
	$(call say,LINK,$@)
	$(Q)$(CXX) -stdlib=libc++ $(SANITIZE) -fuse-ld=lld-$(LLVM) -lpthread $(GATED_HEAP) -o $@ $^ $(LIBRARIES)
unit: $(BUILD)/unit/unit_tests
	$(Q)$(BUILD)/unit/unit_tests --gtest_brief=1 $(if $(FILTER),--gtest_filter=$(FILTER))

# Fuzz targets name the production sources they link in lines "// sources: a.cpp b.cpp".
FUZZ_NAMES   := $(sort $(patsubst tests/fuzz/%.cpp,%,$(wildcard tests/fuzz/*_fuzz.cpp)))
FUZZERS      := $(FUZZ_NAMES:%=$(BUILD)/fuzz/%)
FUZZ_SECONDS ?= 2
fuzz_objects  = $(patsubst %.cpp,$(BUILD)/fuzz/%.o,tests/fuzz/$(1).cpp $(shell sed -n 's|^// sources:||p' tests/fuzz/$(1).cpp))
FUZZ_OBJECTS := $(sort $(foreach name,$(FUZZ_NAMES),$(call fuzz_objects,$(name))))

$(BUILD)/fuzz/%.o: %.cpp | test-packages
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(HOST_CXX) -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
	    $(DEPENDENCIES) -c $< -o $@
$(foreach name,$(FUZZ_NAMES),$(eval $(BUILD)/fuzz/$(name): $(call fuzz_objects,$(name))))
# libFuzzer itself is built with the other standard library.
$(FUZZERS):
	$(call say,LINK,$@)
	$(Q)$(CXX) -stdlib=libc++ -fsanitize=fuzzer,address,undefined -fuse-ld=lld-$(LLVM) -o $@ $^ $(LIBRARIES) -l:libstdc++.so.6
fuzz: $(FUZZERS)
	$(Q)tests/tools/fuzz_all $(FUZZ_SECONDS) $(FUZZERS)

# --- code quality ----------------------------------------------------------------------------------------------------

CXX_FILES = $(shell find boot kernel arch drivers tests -name '*.cpp' -o -name '*.hpp')
format:
	$(Q)$(FORMAT) -i $(CXX_FILES)
format-check:
	$(Q)$(FORMAT) --dry-run --Werror $(CXX_FILES)
tidy:
	$(Q)$(TIDY) --quiet $(filter %.cpp,$(SOURCES)) -- $(KERNEL_CXX)
layering:
	$(Q)tests/tools/check_layering && tests/tools/check_references && tests/tools/check_guides

# --- booting, and all tests ------------------------------------------------------------------------------------------

# Folders bring their own targets: test guests, dom0's images, system tests, packages.
OUT := $(BUILD)
-include $(sort $(wildcard */*.mk */*/*.mk))

ACCEL  ?= tcg
MEMORY ?= 4096
CPUS   ?= 2
# TCG has no NRIP save, and gets MONITOR, RDTSCP and XSAVE in a guest wrong.
CPU    ?= $(if $(filter kvm,$(ACCEL)),host,EPYC,+svm,+npt,-nrip-save,-monitor,-rdtscp,-xsave)
# One thread for all CPUs under TCG: tests/tools/emulator.py says why.
EMULATION := $(if $(filter tcg,$(ACCEL)),tcg$(comma)thread=single,$(ACCEL))
PC     := -M q35,kernel-irqchip=split -device amd-iommu -netdev user,id=net -device e1000e,netdev=net

# The live medium: GRUB, Hospes, dom0's shell, on this terminal. UEFI=1 boots it by UEFI.
run: deps
	$(Q)$(MAKE) --no-print-directory live
	@printf '\n  Starting the machine. Ctrl-a x ends it at any time, `poweroff` in dom0 does so in good order.\n\n'
	$(Q)qemu-system-x86_64 -accel $(EMULATION) -cpu $(CPU) -m $(MEMORY) -smp $(CPUS) -nodefaults $(PC) \
	    $(if $(UEFI),-bios /usr/share/ovmf/OVMF.fd) -boot d -cdrom $(BUILD)/hospes-live.iso -display none \
	    -serial mon:stdio $(QEMU)
# One kernel as dom0, without GRUB or a disk: KERNEL=build/guests/hello.elf
payload: $(BUILD)/hospes.elf
	$(Q)qemu-system-x86_64 -accel $(EMULATION) -cpu $(CPU) -m $(MEMORY) -smp $(CPUS) -nodefaults $(PC) -display none \
	    -serial mon:stdio -kernel $< -append "console=com1 $(OPTIONS)" -initrd "$(KERNEL) $(APPEND)" $(QEMU)

guests: | test-packages
check-guests: $(BUILD)/hospes.elf guests
	$(Q)OUT=$(BUILD) ACCEL=$(ACCEL) /usr/bin/python3 -m pytest -p no:cacheprovider -v --tb=short tests/guests
check: deps
	@tests/tools/check
check-fast: test-packages
	@tests/tools/check --fast
bench: $(BUILD)/hospes.elf guests dom0-ram
	$(Q)OUT=$(BUILD) /usr/bin/python3 tests/bench/run.py; primitives=$$?; \
	OUT=$(BUILD) /usr/bin/python3 tests/bench/stretches.py; stretches=$$?; \
	BUILD=$(abspath $(BUILD)) /usr/bin/python3 tests/bench/whole_system.py; whole=$$?; \
	/usr/bin/python3 tests/bench/image_size.py $(BUILD) && exit $$((primitives | stretches | whole))
install: $(BUILD)/hospes.gz
	$(Q)install -D -m 644 $< $(DESTDIR)/boot/hospes-$(PACKAGE_VERSION).gz
clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(UNIT_OBJECTS:.o=.d) $(FUZZ_OBJECTS:.o=.d)
