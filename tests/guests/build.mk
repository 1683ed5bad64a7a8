# SPDX-License-Identifier: MIT
# Test guests: build/guests/<name>.elf for every folder tests/guests/<name>/ or tests/bench/<name>/ with a main.cpp.
# Included by the top Makefile; also works alone, from the root: make -f tests/guests/build.mk guests

OUT ?= build
GUEST_CXX ?= clang++-19
GUEST_LINK ?= ld.lld-19

# 16 MiB: the same place as Linux, so RAM on every PC and free on every hypervisor.
guest_load_address := 0x1000000
# A guest whose whole memory is 4 MiB lives lower.
guest_load_address_tiny := 0x100000

guest_flags := -std=c++23 -stdlib=libc++ -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics \
  -fno-stack-protector -fno-pic -mno-red-zone -mno-sse -mno-mmx -mno-avx -mcmodel=small -fno-omit-frame-pointer \
  -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST -O2 -g -MMD -MP \
  -Wall -Wextra -Wconversion -Wsign-conversion -Wold-style-cast -Wshadow -Werror -I.

# Guests named narrow_... are 32-bit programs, of Xen's own headers and what is in tests/guests/narrow.
narrow_flags := $(filter-out -mno-red-zone -mcmodel=small,$(guest_flags)) -m32 -Wno-missing-designated-field-initializers \
  -isystem tests/unit/abi/narrow -isystem /usr/include/x86_64-linux-gnu

guest_folders := $(patsubst %/main.cpp,%,$(wildcard tests/guests/*/main.cpp tests/bench/*/main.cpp))
guest_names := $(notdir $(guest_folders))
guest_framework := $(wildcard tests/guests/framework/*.cpp tests/guests/framework/*.S)
guest_framework_objects := $(guest_framework:tests/guests/%=$(OUT)/guests/objects/%.o)
narrow_objects := $(patsubst tests/guests/%,$(OUT)/guests/objects/%.o,$(wildcard tests/guests/narrow/*.cpp tests/guests/narrow/*.S)) \
  $(OUT)/guests/objects/narrow/c_library.cpp.o
guest_images := $(guest_names:%=$(OUT)/guests/%.elf)

.PHONY: guests
guests: $(guest_images)

$(OUT)/guests/objects/%.cpp.o: tests/guests/%.cpp
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(GUEST_CXX) $(guest_flags) -c $< -o $@

$(OUT)/guests/objects/narrow%: guest_flags := $(narrow_flags)
$(OUT)/guests/objects/narrow%: guest_target := i386-unknown-linux-gnu
guest_target := x86_64-unknown-linux-gnu
$(OUT)/guests/objects/%.S.o: tests/guests/%.S
	@mkdir -p $(@D)
	@echo "  AS    $<"
	@$(GUEST_CXX) --target=$(guest_target) -I. -MMD -MP -c $< -o $@

$(OUT)/guests/objects/bench/%.cpp.o: tests/bench/%.cpp
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(GUEST_CXX) $(guest_flags) -c $< -o $@

$(OUT)/guests/objects/bench/%.S.o: tests/bench/%.S
	@mkdir -p $(@D)
	@echo "  AS    $<"
	@$(GUEST_CXX) --target=x86_64-unknown-linux-gnu -I. -MMD -MP -c $< -o $@

$(OUT)/guests/objects/narrow/c_library.cpp.o: tests/guests/framework/c_library.cpp
	@mkdir -p $(@D)
	@echo "  CXX   $<, for 32 bits"
	@$(GUEST_CXX) $(narrow_flags) -c $< -o $@

# One rule a guest: its own sources, the objects that all of its kind have, and how it is linked.
define guest_rule
guest_objects_$(notdir $(1)) := $(patsubst %,$(OUT)/guests/objects/%.o,$(patsubst tests/guests/%,%,$(patsubst tests/bench/%,bench/%,$(wildcard $(1)/*.cpp $(1)/*.S))))
$(OUT)/guests/$(notdir $(1)).elf: $$(guest_objects_$(notdir $(1))) $(2) tests/guests/framework/guest.lds
	@echo "  LINK  $$@"
	@$(GUEST_LINK) $(3) -static -nostdlib -z max-page-size=4096 \
	  --defsym=load_address=$(or $(guest_load_address_$(notdir $(1))),$(guest_load_address)) \
	  -T tests/guests/framework/guest.lds -o $$@ $$(guest_objects_$(notdir $(1))) $(2)
endef
narrow_folders := $(filter tests/guests/narrow_%,$(guest_folders))
$(foreach folder,$(filter-out $(narrow_folders),$(guest_folders)),$(eval $(call guest_rule,$(folder),$(guest_framework_objects))))
$(foreach folder,$(narrow_folders),$(eval $(call guest_rule,$(folder),$(narrow_objects),-m elf_i386)))

-include $(shell find $(OUT)/guests/objects -name '*.d' 2>/dev/null)
