// SPDX-License-Identifier: MIT
/// Hypercalls from 32-bit protected mode without paging, where hvmloader and GRUB's PVH image live: pointers are
/// guest-physical addresses. What failure would look like, tests/guests/narrow/calls.cpp says.
#include "tests/guests/narrow/narrow.hpp"

namespace hospes::test {

constinit NarrowGuest const this_guest{"narrow_flat", [] {}};

}
