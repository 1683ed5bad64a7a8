# SPDX-License-Identifier: MIT
# `make race`: every hypercall's handler on threads, under ThreadSanitizer. SECONDS=60 SEED=7 say how long and which;
# INTERRUPTED="grant evtchn" (with a BUILD of its own) says where threads are interrupted at function boundaries.

RACE         := $(BUILD)/race
# What the unit tests link of the folders that hypercalls reach, so that a new file is in both at once.
RACE_SOURCES := $(filter $(addprefix kernel/,counters/% debug/% domain/% evtchn/% grant/% hypercall/% lib/% mm/% options/% sched/% \
                  time/% vpci/%) tests/software/% $(addprefix tests/fakes/,failing_allocations.cpp host_machine.cpp \
                  host_services.cpp host_virtual_cpu.cpp quiet_log.cpp),$(TEST_SOURCES)) $(wildcard tests/race/*.cpp)
RACE_OBJECTS := $(RACE_SOURCES:%.cpp=$(RACE)/%.o)
SEED         ?= $(shell date +%s)
# The shell counts its own seconds in a variable of that name, which is not meant.
RACE_SECONDS := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),10)

# Threads outnumber the host's CPUs, so who waits for a lock lets others run.
RACE_CXX := $(HOST_CXX) -O1 -fsanitize=thread -include sched.h -D__builtin_ia32_pause=sched_yield -isystem $(GTEST)/include
# Where CPUs meet most (interruptions.cpp). Everywhere would be too slow.
INTERRUPTED  ?= sched time
$(addprefix $(RACE)/kernel/,$(addsuffix /%.o,$(INTERRUPTED))): private RACE_CXX += -finstrument-functions

$(RACE)/precompiled.pch: tests/unit/precompiled.hpp | test-packages
	$(call say,HEADERS,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(RACE_CXX) -Wno-pragma-once-outside-header -fpch-instantiate-templates -x c++-header $< -o $@
$(RACE)/%.o: %.cpp $(RACE)/precompiled.pch
	$(call say,RACE,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(RACE_CXX) -include-pch $(RACE)/precompiled.pch $(DEPENDENCIES) -c $< -o $@
$(RACE)/race: $(RACE_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CXX) -stdlib=libc++ -fsanitize=thread -fuse-ld=lld-$(LLVM) -lpthread -o $@ $^
.PHONY: race
race: $(RACE)/race
	$(Q)TSAN_OPTIONS="suppressions=tests/race/suppressions.txt $(TSAN_OPTIONS)" $(RACE)/race $(RACE_SECONDS) $(SEED)

-include $(RACE_OBJECTS:.o=.d)
