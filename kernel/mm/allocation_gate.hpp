// SPDX-License-Identifier: MIT
/// Every allocation of frames or of heap memory asks here first, so that tests on the host can have any one of them
/// fail (tests/fakes/failing_allocations.hpp). In the hypervisor the answer is always yes, and costs nothing.
#pragma once

namespace hospes {

#if __STDC_HOSTED__
[[nodiscard]] bool may_allocate();
#else
[[nodiscard]] constexpr bool may_allocate() { return true; }
#endif

}
