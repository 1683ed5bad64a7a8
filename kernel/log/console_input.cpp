// SPDX-License-Identifier: MIT
/// The console's input side: what is typed goes to dom0, or after three times Ctrl-A to the hypervisor.
#include "kernel/log/console.hpp"
#include "kernel/log/input_router.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes::console {
namespace {

struct Input {
    InputRouter router;
    void (*arrived)() = nullptr;
    void (*debug_key)(char) = nullptr;
};

// The rank is the console's: nothing below is called while it is held, and output has a lock of its own.
constinit Spinlock<LockRank::Console> input_lock;
constinit Input input;

}

void receive(char character)
{
    input_lock.lock();
    InputRouter::Outcome const outcome = input.router.receive(character);
    bool const to_domain = input.router.belongs_to_domain();
    input_lock.unlock();

    switch (outcome) {
    case InputRouter::Outcome::Queued:
        if (input.arrived != nullptr) input.arrived();
        return;
    case InputRouter::Outcome::DebugKey:
        if (input.debug_key != nullptr) input.debug_key(character);
        return;
    case InputRouter::Outcome::Switched:
        log_error("console input goes to {}; Ctrl-A three times switches", to_domain ? "dom0" : "the hypervisor");
        return;
    case InputRouter::Outcome::Swallowed: return;
    }
}

size_t read_input(std::span<char> out)
{
    LockGuard const guard{input_lock};
    return input.router.read(out);
}

void on_input(void (*hook)()) { input.arrived = hook; }
void on_debug_key(void (*hook)(char key)) { input.debug_key = hook; }

}
