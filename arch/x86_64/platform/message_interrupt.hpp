// SPDX-License-Identifier: MIT
/// A host vector that a device raises by a message (MSI, MSI-X), and that a domain receives as its own message.
#pragma once

#include <atomic>

#include "arch/x86_64/virtual_apic/interrupt_sink.hpp"
#include "kernel/vpci/platform.hpp"

namespace hospes::arch {

/// What a message says to a local APIC; none if it is not for one. (SDM volume 3, section 11.11)
[[nodiscard]] std::optional<ApicMessage> decode_message(vpci::Message const& message);

class HostMessageInterrupt final : public vpci::MessageInterrupt {
public:
    /// NoSpace, OutOfMemory; OutOfRange if CPU 0 cannot be named in a message.
    [[nodiscard]] static Expected<std::unique_ptr<vpci::MessageInterrupt>> create(InterruptSink& sink,
                                                                                  pci::FunctionAddress device);
    /// The device has been silenced. Waits until no CPU delivers it any more.
    ~HostMessageInterrupt() override;
    [[nodiscard]] Expected<vpci::Message> aim(vpci::Message const& guest) override;

private:
    HostMessageInterrupt(InterruptSink& sink, pci::FunctionAddress device) : sink_{sink}, device_{device} {}
    static void on_interrupt(void* context);

    InterruptSink& sink_;
    pci::FunctionAddress const device_;
    u8 vector_ = 0;              ///< 0: none yet
    std::atomic<u64> target_{0}; ///< read by any CPU, hence in one word; 0: nobody
};

}
