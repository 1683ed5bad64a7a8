// SPDX-License-Identifier: MIT
/// What the kernel needs of the IOMMUs, whatever their vendor: devices reach dom0's memory and nothing else.
///
///   device ──▶ IOMMU ──▶ one table for all devices ──▶ dom0's RAM, its grant and foreign mappings,
///                 │                                    regions that firmware demands
///                 └──▶ interrupt remapping: each device only its own interrupts (interrupts.hpp)
///
/// The table mirrors dom0's physmap. A mapping's frame reference, which the physmap holds, covers the mirror too:
/// `Retired` releases it only after the CPUs' and the IOMMUs' caches have been flushed.
#pragma once

#include <span>
#include <string_view>

#include "boot/boot_info.hpp"
#include "drivers/pci/device.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/options/options.hpp"

namespace hospes::acpi {
class Tables;
}

namespace hospes::iommu {

/// Which memory a domain's devices reach. Changes are serialised by the domain's physmap lock.
class DmaSpace {
public:
    /// Lets devices reach 2^order frames; all or nothing. Exists where something is mapped, OutOfMemory, OutOfRange if
    /// the IOMMUs cannot address it. If some were reachable for a moment and an IOMMU does not answer when they are
    /// taken back, all devices were stopped, and it is no error: the frames stay the caller's mapping's, until flush()
    /// says that they are never used again.
    [[nodiscard]] virtual Expected<> map(Gfn where, Hfn frame, unsigned order, bool writable) = 0;
    /// Takes it away again, as far as it is there. OutOfMemory: a larger mapping could not be split, nothing changed.
    [[nodiscard]] virtual Expected<> unmap(Gfn where, unsigned order) = 0;
    /// When this returns true, no device can use what was unmapped before. False: an IOMMU does not answer. All devices
    /// were stopped, and the frames must never be used for anything else.
    [[nodiscard]] virtual bool flush() = 0;

protected:
    ~DmaSpace() = default;
};

/// Why there is no protection. The text lives for ever.
struct Refusal {
    std::string_view why;
    u64 detail = 0;
    bool is_absent = false; ///< nothing is broken, there just is none
};

struct Request {
    acpi::Tables const& tables;
    std::span<boot::MemoryRange const> memory_map;
    IommuOptions const& options;
};

/// Finds and checks the machine's IOMMUs and makes their tables; changes nothing yet. Logs the verdict on each unit.
/// While booting, once; needs PCI configuration space, interrupts and the clock.
[[nodiscard]] std::expected<void, Refusal> initialize(Request const& request);

/// What all devices reach, once initialized.
[[nodiscard]] DmaSpace& dma_space();

/// From here on every request of every device is translated, and interrupts are remapped if possible.
/// The space should be filled before.
[[nodiscard]] std::expected<void, Refusal> start();

/// Does protection include interrupts?
[[nodiscard]] bool remaps_interrupts();
/// Logs which device may raise which.
void show_interrupts();
/// Of the tables that devices' addresses go through. They stay as long as the machine runs.
[[nodiscard]] u64 table_pages();

/// What dom0 must not touch.
struct RegisterPlace {
    Hpa start{};
    u64 bytes = 0;
};
[[nodiscard]] std::span<RegisterPlace const> register_places();
[[nodiscard]] std::span<pci::FunctionAddress const> own_functions();

}
