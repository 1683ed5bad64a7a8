# SPDX-License-Identifier: MIT
# The ABI beside the headers of other releases of Xen than this machine's libxen-dev: those of Debian's other releases, and
# with HEADERS=dir any other, such as xen/include/public of its sources under the name dir/xen. Included by the Makefile.

.PHONY: check-abi
ABI_RELEASES ?= bookworm trixie sid
ABI_TESTS    := $(wildcard tests/unit/abi/*_test.cpp)
ABI_MAIN     := $(BUILD)/unit/gtest/gtest-all.o $(BUILD)/unit/gtest/gtest_main.o
abi_objects   = $(patsubst tests/unit/abi/%_test.cpp,$(BUILD)/abi/$(1)/%.o,$(ABI_TESTS))

# A release whose headers cannot be had is said to be left out; its folder stays away, so that the next run tries again.
check-abi: $(ABI_MAIN) | test-packages
	$(Q)for release in $(if $(HEADERS),given,$(ABI_RELEASES)); do \
	    headers=$(if $(HEADERS),$(HEADERS),$(BUILD)/abi/$$release/usr/include); \
	    test -n "$(HEADERS)" || test -e $(BUILD)/abi/$$release/version || \
	        tests/tools/xen_headers $$release $(BUILD)/abi/$$release || \
	        { echo "check-abi: $$release is left out: its headers could not be fetched"; continue; }; \
	    $(MAKE) --no-print-directory abi-one ABI_NAME=$$release ABI_HEADERS=$$headers || exit 1; \
	done

# What 32-bit callers' structures look like: compiled for both kinds of callers, not run.
NARROW := -m32 -ffreestanding -isystem tests/unit/abi/narrow -isystem /usr/include/x86_64-linux-gnu
compile_layouts = $(CXX) $(HOST_CXX) $(1) $(DEPENDENCIES) -MF $@.d -MT $@ -fsyntax-only $<
$(BUILD)/unit/compat_layouts-64: tests/unit/abi/compat_layouts.cpp | test-packages
	$(call say,ABI,"$< for 64-bit callers")
	@mkdir -p $(@D)
	$(Q)$(call compile_layouts,-m64) && touch $@
$(BUILD)/unit/compat_layouts-32: tests/unit/abi/compat_layouts.cpp | test-packages
	$(call say,ABI,"$< for 32-bit callers")
	@mkdir -p $(@D)
	$(Q)$(call compile_layouts,$(NARROW)) && touch $@
unit: $(BUILD)/unit/compat_layouts-64 $(BUILD)/unit/compat_layouts-32
-include $(wildcard $(BUILD)/unit/compat_layouts-*.d)

.PHONY: abi-one
abi-one: $(BUILD)/abi/$(ABI_NAME)/abi_tests $(BUILD)/abi/$(ABI_NAME)/compat_layouts
	@echo "  ABI      $(ABI_NAME): Xen $$(cat $(BUILD)/abi/$(ABI_NAME)/version 2>/dev/null || echo from $(ABI_HEADERS))"
	$(Q)$< --gtest_brief=1
ifdef ABI_NAME
$(BUILD)/abi/$(ABI_NAME)/compat_layouts: tests/unit/abi/compat_layouts.cpp
	$(call say,ABI,"$(ABI_NAME): $< for both kinds of callers")
	@mkdir -p $(@D)
	$(Q)$(call compile_layouts,-m64 -isystem $(ABI_HEADERS)) && $(call compile_layouts,$(NARROW) -isystem $(ABI_HEADERS)) && touch $@
# Not precompiled: the headers must not be this machine's.
$(BUILD)/abi/$(ABI_NAME)/%.o: tests/unit/abi/%_test.cpp
	$(call say,ABI,"$(ABI_NAME): $<")
	@mkdir -p $(@D)
	$(Q)$(CXX) $(HOST_CXX) $(SANITIZE) -O0 -isystem $(ABI_HEADERS) -isystem $(GTEST)/include $(DEPENDENCIES) -c $< -o $@
$(BUILD)/abi/$(ABI_NAME)/abi_tests: $(call abi_objects,$(ABI_NAME)) $(ABI_MAIN)
	$(Q)$(CXX) -stdlib=libc++ $(SANITIZE) -fuse-ld=lld-$(LLVM) -lpthread -o $@ $^
-include $(wildcard $(BUILD)/abi/$(ABI_NAME)/*.d)
endif
