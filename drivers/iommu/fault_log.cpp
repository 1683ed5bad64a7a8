// SPDX-License-Identifier: MIT
/// Counts refused accesses by device, and logs as many of them as its budget allows.
#include "drivers/iommu/fault_log.hpp"

#include <algorithm>
#include <utility>

#include "drivers/pci/device.hpp"
#include "kernel/log/log.hpp"

namespace hospes::iommu {

namespace {

struct Name {
    unsigned bus, device, function;
};
Name name_of(u16 requester)
{
    pci::FunctionAddress const function{
        .segment = 0, .bus = static_cast<u8>(requester >> 8), .devfn = static_cast<u8>(requester)};
    return {function.bus, function.device(), function.function()};
}

}

/// The device's record; if there is no room for it, that of the device that has been good for longest.
FaultLog::Offender& FaultLog::offender(u16 requester, u64 now)
{
    auto const known = std::ranges::find(offenders_, requester, &Offender::requester);
    if (known != offenders_.end()) return *known;
    Offender const fresh{.requester = requester, .faults = 0, .since = now};
    if (offenders_.push_back(fresh)) return offenders_[offenders_.size() - 1];
    Offender& oldest = *std::ranges::min_element(offenders_, {}, &Offender::since);
    return oldest = fresh;
}

bool FaultLog::report(Fault const& fault, u64 now)
{
    Offender& device = offender(fault.requester, now);
    if (now - device.since > window) {
        device.since = now;
        device.faults = 0;
    }
    Name const name = name_of(fault.requester);
    if (bucket_.take(now)) {
        if (silent_ != 0) log_warning("IOMMU: {} more refused accesses were not logged", std::exchange(silent_, 0));
        log_warning("IOMMU: PCI {:x}:{:x}.{}: {} of {:x} refused: {}", name.bus, name.device, name.function,
                    fault.write ? "write" : "read", fault.address, fault.reason);
    } else {
        ++silent_;
    }
    if (++device.faults < storm || device.is_cut_off) return false;
    device.is_cut_off = true;
    log_error("IOMMU: PCI {:x}:{:x}.{} is cut off: {} refused accesses within a second. It can do no DMA until the "
              "machine is restarted",
              name.bus, name.device, name.function, device.faults);
    return true;
}

}
