// SPDX-License-Identifier: MIT
/// Segment selectors and the user-exit vector: plain numbers, because assembly reads them too.
#pragma once

#define KERNEL_CODE_32 0x08
#define KERNEL_CODE 0x10
#define KERNEL_DATA 0x18
#define USER_DATA (0x20 | 3)
#define USER_CODE (0x28 | 3)
#define TASK_STATE 0x30

#define USER_EXIT_VECTOR 0x81
