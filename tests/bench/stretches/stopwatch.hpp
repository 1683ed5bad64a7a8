// SPDX-License-Identifier: MIT
/// How long this guest cannot take an interrupt while the hypervisor works for it.
///
/// A one-shot timer is always about to expire. The hypervisor notices when it looks at interrupts, which is when the
/// guest is entered again, and the guest's handler runs before anything else does. So the time from the end of one
/// handler (or the begin of the work) to the begin of the next (or the end of the work) is one stretch, with the way in
/// and out and one timer event on top: some 2,000 instructions.
#pragma once

#include <string_view>

#include "tests/guests/framework/cpu.hpp"

namespace hospes::test {

class Stopwatch {
public:
    /// Once, before anything is measured.
    static void prepare();

    /// Does `work()`, which returns whether it went well, and prints the longest stretch: `STRETCH ticks name`.
    template <typename Work>
    static void measure(std::string_view name, Work work)
    {
        start();
        bool const good = work();
        stop(name, good);
    }

    /// All ports up to `last` are taken: moves the timer's there.
    static void take_port(u32 last);
    /// After the event channels were reset: from now on `take` takes events out, for the handler.
    static void take_events_by(void (*take)());

private:
    static void start();
    static void stop(std::string_view name, bool good);
};

}
