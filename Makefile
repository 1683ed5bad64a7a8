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

# What `make` alone needs: command:package. Everything else that `make deps` installs is in the second list.
NEEDED   := $(CXX):clang-$(LLVM) $(LINK):lld-$(LLVM) $(OBJCOPY):llvm-$(LLVM) grub-mkrescue:grub-common \
            xorriso:xorriso mformat:mtools gzip:gzip awk:gawk
FILES    := /usr/lib/llvm-$(LLVM)/include/c++/v1/expected:libc++-$(LLVM)-dev \
            /usr/lib/llvm-$(LLVM)/lib/libc++abi.a:libc++abi-$(LLVM)-dev /usr/lib/grub/i386-pc/boot.img:grub-pc-bin \
            /usr/lib/grub/x86_64-efi/multiboot2.mod:grub-efi-amd64-bin \
            /usr/lib/x86_64-linux-gnu/liblzma.a:liblzma-dev /usr/lib/x86_64-linux-gnu/libzstd.a:libzstd-dev \
            /usr/lib/x86_64-linux-gnu/libz.a:zlib1g-dev
FOR_TESTS := $(FORMAT):clang-format-$(LLVM) $(TIDY):clang-tidy-$(LLVM) qemu-system-x86_64:qemu-system-x86 \
            /usr/src/googletest:googletest python3:python3 /usr/include/xen/xen.h:libxen-dev
package  = $(lastword $(subst :, ,$(1)))
name     = $(firstword $(subst :, ,$(1)))
missing  = $(foreach p,$(1),$(if $(or $(shell command -v $(call name,$(p))),$(wildcard $(call name,$(p)))),,$(call package,$(p))))
MISSING  := $(strip $(call missing,$(NEEDED) $(FILES)))

# --- what is built ---------------------------------------------------------------------------------------------------

SOURCES := $(filter-out $(EXCLUDE),$(sort $(shell find boot kernel arch drivers -name '*.cpp' -o -name '*.S')))
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

.PHONY: all iso unit fuzz guests format format-check tidy layering deps toolchain run check check-fast bench \
        install clean help
all: $(BUILD)/hospes.elf $(BUILD)/hospes.gz $(BUILD)/hospes.iso
iso: $(BUILD)/hospes.iso

help:
	@echo "all iso run deb live docs | unit fuzz guests check-fast check bench | format format-check tidy layering | deps install clean"

toolchain:
	$(if $(MISSING),@echo "Hospes: installing what the build needs: $(MISSING)"; $(call install_packages,$(MISSING)))

# sudo when not root.
install_packages = $(if $(filter 0,$(shell id -u)),,sudo) apt-get install -y --no-install-recommends $(1)
deps: toolchain
	@needed="$(call missing,$(FOR_TESTS))"; \
	test ! -f dom0/image/host_packages.txt || needed="$$needed $$(sed 's/#.*//' dom0/image/host_packages.txt | \
	    while read -r p; do test -z "$$p" || dpkg -s $$p >/dev/null 2>&1 || echo $$p; done)"; \
	needed=$$(echo $$needed); if test -n "$$needed"; then echo "installing: $$needed"; $(call install_packages,$$needed); fi

# --- the hypervisor --------------------------------------------------------------------------------------------------

$(BUILD)/flags: toolchain
	@mkdir -p $(@D); echo '$(CXX) $(KERNEL_CXX)' | cmp -s - $@ || echo '$(CXX) $(KERNEL_CXX)' >$@

$(BUILD)/%.cpp.o: %.cpp $(BUILD)/flags
	$(call say,C++,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(KERNEL_CXX) $(DEPENDENCIES) -c $< -o $@

$(BUILD)/%.S.o: %.S $(BUILD)/flags
	$(call say,ASM,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -ffreestanding -mcmodel=kernel -fno-pic -g -I. $(DEPENDENCIES) -c $< -o $@

link = $(LINK) -T linker.ld -nostdlib -static --gc-sections -z max-page-size=4096 -z norelro -z noexecstack \
       --no-pie --build-id=none -Map=$(BUILD)/hospes.map -o $@ $(ORDERED) $(1) $(LIBRARIES)

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

HOST_CXX := -std=c++23 -stdlib=libc++ -O1 -g -I. -fno-omit-frame-pointer -Wall -Wextra -Wno-unknown-warning-option \
            -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
GTEST    := /usr/src/googletest/googletest

TEST_FILES   := $(sort $(shell test ! -d tests/unit || find tests/unit -name '*_test.cpp'))
TEST_FILES   := $(if $(ONLY),$(sort $(foreach o,$(ONLY),$(foreach t,$(TEST_FILES),$(if $(findstring $(o),$(t)),$(t))))),$(TEST_FILES))
TEST_SOURCES := $(sort $(shell sed 's/\#.*//' tests/unit/sources.txt))
TEST_OBJECTS := $(patsubst %.cpp,$(BUILD)/unit/%.o,$(TEST_FILES))
UNIT_OBJECTS := $(patsubst %.cpp,$(BUILD)/unit/%.o,$(TEST_SOURCES))

$(BUILD)/unit/gtest/gtest-all.o $(BUILD)/unit/gtest/gtest_main.o: $(BUILD)/unit/gtest/%.o: $(GTEST)/src/%.cc
	$(call say,GTEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++23 -stdlib=libc++ -O1 -g $(SANITIZE) -I$(GTEST)/include -I$(GTEST) -c $< -o $@
$(BUILD)/unit/%.o: %.cpp
	$(call say,TEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(HOST_CXX) $(SANITIZE) -isystem $(GTEST)/include $(DEPENDENCIES) -c $< -o $@
# An archive, so that a test picked by ONLY= links just what it uses.
$(BUILD)/unit/production.a: $(UNIT_OBJECTS)
	@rm -f $@; mkdir -p $(@D)
	$(Q)$(AR) rcs $@ $^
$(BUILD)/unit/unit_tests: $(TEST_OBJECTS) $(BUILD)/unit/production.a $(BUILD)/unit/gtest/gtest-all.o \
                          $(BUILD)/unit/gtest/gtest_main.o
	$(call say,LINK,$@)
	$(Q)$(CXX) -stdlib=libc++ $(SANITIZE) -fuse-ld=lld-$(LLVM) -lpthread -o $@ $^ $(LIBRARIES)
unit: $(BUILD)/unit/unit_tests
	$(Q)$(BUILD)/unit/unit_tests --gtest_brief=1 $(if $(FILTER),--gtest_filter=$(FILTER))

# Fuzz targets name the production sources they link in a line "// sources: a.cpp b.cpp".
FUZZERS      := $(patsubst tests/fuzz/%.cpp,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/*_fuzz.cpp)))
FUZZ_SECONDS ?= 5
fuzz_sources = $< $(shell sed -n 's|^// sources:||p' $<)
$(BUILD)/fuzz/%: tests/fuzz/%.cpp
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(HOST_CXX) -MM -MP -MT $@ $(fuzz_sources) >$@.d
	$(Q)$(CXX) $(HOST_CXX) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o $@ $(fuzz_sources) \
	    $(LIBRARIES) -l:libstdc++.so.6
fuzz: $(FUZZERS)
	$(Q)for fuzzer in $(FUZZERS); do mkdir -p $$fuzzer.corpus; seeds=tests/fuzz/seeds/$$(basename $$fuzzer); \
	    $$fuzzer -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$fuzzer. $$fuzzer.corpus \
	        $$(test ! -d $$seeds || echo $$seeds) >$$fuzzer.log 2>&1 || { tail -50 $$fuzzer.log; exit 1; }; \
	    echo "fuzz: $$(basename $$fuzzer): $$(tail -1 $$fuzzer.log)"; done

# --- code quality ----------------------------------------------------------------------------------------------------

CXX_FILES = $(shell find boot kernel arch drivers tests -name '*.cpp' -o -name '*.hpp')
format:
	$(Q)$(FORMAT) -i $(CXX_FILES)
format-check:
	$(Q)$(FORMAT) --dry-run --Werror $(CXX_FILES)
tidy:
	$(Q)$(TIDY) --quiet $(filter %.cpp,$(SOURCES)) -- $(KERNEL_CXX)
layering:
	$(Q)tests/tools/check_layering

# --- booting ---------------------------------------------------------------------------------------------------------

CPU    ?= EPYC,+svm,+npt,-nrip-save,-monitor,-rdtscp
ACCEL  ?= tcg
MEMORY ?= 2048
CPUS   ?= 2
run: $(BUILD)/hospes.elf
	qemu-system-x86_64 -accel $(ACCEL) -M q35 -cpu $(CPU) -m $(MEMORY) -smp $(CPUS) -display none -serial mon:stdio \
	    -kernel $< -append "console=com1 $(OPTIONS)" $(if $(KERNEL),-initrd "$(KERNEL) $(APPEND)$(if $(INITRD),$(comma)$(INITRD))")
comma := ,

-include tests/guests/build.mk tests/system/build.mk packaging/build.mk
guests:
check-fast: format-check layering unit fuzz
check: all check-fast guests
bench:
install: $(BUILD)/hospes.gz
	install -D -m 644 $< $(DESTDIR)/boot/xen-hospes.gz
clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(UNIT_OBJECTS:.o=.d) $(addsuffix .d,$(FUZZERS))
