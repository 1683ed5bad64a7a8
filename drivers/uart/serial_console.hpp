// SPDX-License-Identifier: MIT
/// The serial ports as devices of the console.
#pragma once

#include <optional>

#include "kernel/lib/integers.hpp"
#include "kernel/options/options.hpp"

namespace hospes::uart {

/// Starts the ports that `console=` names and attaches them to the console.
void start(Options const& options);

/// A port that the hypervisor keeps for itself: dom0 must neither see its I/O ports nor get its interrupt.
struct KeptPort {
    u16 io_base;
    u16 io_count;
    u8 irq; ///< ISA interrupt number; 0 if it is polled
};
/// In the order of `index`; nothing behind the last.
[[nodiscard]] std::optional<KeptPort> kept_port(size_t index);

/// Lets port `index` interrupt when something was typed; with `queue_output`, also when it can take more text, so that
/// nobody waits for it any more. Whoever calls it has bound handle_interrupt().
void enable_interrupts(size_t index, bool queue_output);
/// For the ports' interrupts; `context` is not used.
void handle_interrupt(void* context);

}
