// SPDX-License-Identifier: MIT
/// The three consoles.

#include "tests/guests/framework/console.hpp"

#include <algorithm>
#include <atomic>

#include "kernel/abi/xen/hvm_params.hpp"
#include "kernel/abi/xen/io/console.hpp"
#include "kernel/lib/address.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u16 debug_port = 0xe9;
constexpr unsigned patience = 2'000'000; // yields before a reader counts as gone

/// One CPU writes at a time: print() may be called by several, with interrupts off. Those that wait give way (smp.cpp).
class ConsoleLock {
public:
    ConsoleLock()
    {
        while (held_.exchange(true, std::memory_order_acquire)) (void)schedule::yield();
    }
    ConsoleLock(ConsoleLock const&) = delete;
    ConsoleLock& operator=(ConsoleLock const&) = delete;
    ~ConsoleLock() { held_.store(false, std::memory_order_release); }

private:
    static constinit std::atomic<bool> held_;
};
constinit std::atomic<bool> ConsoleLock::held_{false};

void write_debug_port(std::string_view text)
{
    for (char character : text) out8(debug_port, static_cast<u8>(character));
}

void write_hypercall(std::string_view text) { (void)console_write(text.data(), text.size()); }

constinit xen::ConsoleInterface* ring = nullptr;
constinit u32 ring_port = 0;

template <typename Index>
std::atomic_ref<Index> atomic(Index& index)
{
    return std::atomic_ref<Index>{index};
}

/// Room in the output ring, waiting for the reader as long as it seems alive.
u32 room()
{
    for (unsigned tries = 0; tries != patience; ++tries) {
        u32 used = ring->out_producer - atomic(ring->out_consumer).load();
        if (used < sizeof(ring->out)) return static_cast<u32>(sizeof(ring->out)) - used;
        (void)event_channel::send(ring_port);
        (void)schedule::yield();
    }
    return 0;
}

void put(char character)
{
    ring->out[ring->out_producer % sizeof(ring->out)] = character;
    atomic(ring->out_producer).store(ring->out_producer + 1);
}

void write_ring(std::string_view text)
{
    while (!text.empty()) {
        auto length = std::min<size_t>(room(), text.size());
        if (length == 0) return write_debug_port(text);
        for (char character : text.substr(0, length)) {
            put(character);
        }
        text.remove_prefix(length);
        (void)event_channel::send(ring_port);
    }
}

constinit void (*sink)(std::string_view) = write_debug_port;

}

void open_console()
{
    if (is_dom0()) {
        sink = write_hypercall;
        return;
    }
    auto page = hvm_operation::get_parameter(xen::HvmParamIndex::ConsolePfn);
    auto port = hvm_operation::get_parameter(xen::HvmParamIndex::ConsoleEventChannel);
    if (page.result != 0 || port.result != 0 || page.value == 0) return;
    ring = reinterpret_cast<xen::ConsoleInterface*>(page.value << page_shift);
    ring_port = static_cast<u32>(port.value);
    sink = write_ring;
}

void write_console(std::string_view text)
{
    ConsoleLock lock;
    sink(text);
}

void flush_console()
{
    if (ring == nullptr) return;
    for (unsigned tries = 0; tries != patience && atomic(ring->out_consumer).load() != ring->out_producer; ++tries) {
        (void)schedule::yield();
    }
}

int read_console()
{
    if (ring == nullptr) return -1;
    auto consumer = atomic(ring->in_consumer);
    if (consumer.load() == atomic(ring->in_producer).load()) return -1;
    char character = ring->in[consumer.load() % sizeof(ring->in)];
    consumer.store(consumer.load() + 1);
    (void)event_channel::send(ring_port);
    return static_cast<unsigned char>(character);
}

}
