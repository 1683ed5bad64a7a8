# SPDX-License-Identifier: MIT
# The hypercall fuzzer, guests with a thread for each CPU, and 1,000 lives, for SECONDS. The top Makefile includes this.

.PHONY: soak
SECONDS_OF_SOAK := $(if $(MINUTES),$(shell expr $(MINUTES) \* 60),$(or $(SECONDS),600))
soak: $(BUILD)/hospes.elf guests
	$(Q)OUT=$(BUILD) /usr/bin/python3 tests/guests/soak.py --seconds $(SECONDS_OF_SOAK) $(if $(SEED),--seed $(SEED))
