// SPDX-License-Identifier: MIT
// Where the vCPUs of sleeper.S have their code and their data: below 1 MiB, beside the framework's trampoline.
#ifndef TESTS_BENCH_BROADCAST_SLEEPER_H
#define TESTS_BENCH_BROADCAST_SLEEPER_H

#define SLEEPER_ADDRESS 0x9000
#define SLEEPER_STACK 0x9f00
#define SLEEPER_ASLEEP 0x9f10 /* 16 bits: how many wait */
#define SLEEPER_WOKEN 0x9f12  /* 16 bits: how many interrupts were handled */
#define SLEEPER_FIRST 0x9f18  /* 64 bits: the TSC when the first of them was; 0 before */

#endif
