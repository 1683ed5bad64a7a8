// SPDX-License-Identifier: MIT
/// Accesses that an IOMMU refused: logged, but not too often, and a device that does not stop is cut off.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/lib/static_vector.hpp"
#include "kernel/log/token_bucket.hpp"
#include "kernel/time/tick_scale.hpp"

namespace hospes::iommu {

struct Fault {
    u16 requester = 0; ///< bus, device, function
    u64 address = 0;
    bool write = false;
    std::string_view reason;
};

class FaultLog {
public:
    /// Logs `fault`, which happened at `now` (nanoseconds). True: this device has to be cut off, it was logged.
    [[nodiscard]] bool report(Fault const& fault, u64 now);

private:
    /// More than this many within a second is a storm.
    static constexpr u32 storm = 200;
    static constexpr u64 window = nanoseconds_per_second;
    static constexpr u32 burst = 20;

    struct Offender {
        u16 requester = 0;
        u32 faults = 0;
        u64 since = 0;
        bool is_cut_off = false;
    };
    [[nodiscard]] Offender& offender(u16 requester, u64 now);

    TokenBucket bucket_{burst, nanoseconds_per_second / 2};
    u64 silent_ = 0;
    StaticVector<Offender, 64> offenders_;
};

}
