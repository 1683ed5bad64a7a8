// SPDX-License-Identifier: MIT
/// console_io(command, count, buffer): dom0's console on the machine's own. (abi.md 3.8.)
#include "kernel/abi/xen/console.hpp"

#include <algorithm>

#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"
#include "kernel/log/console.hpp"

namespace hospes {

namespace {

constexpr u64 bytes_per_slice = 256;

/// Shows `count` bytes, a slice at a time: a serial line is slow.
Expected<u64> write(Vcpu& caller, HypercallArguments& arguments)
{
    std::array<char, bytes_per_slice> text;
    u64 const length = std::min(arguments[1], bytes_per_slice);
    auto const bytes = std::span{reinterpret_cast<u8*>(text.data()), length};
    if (auto const copied = copy_from_guest(caller, bytes, Gva{arguments[2]}); !copied) return failure(copied.error());
    console::write_raw(std::span{text}.first(length));
    if (length == arguments[1]) return 0;
    arguments[1] -= length;
    arguments[2] += length;
    return failure(Error::Restart);
}

/// Returns how many typed characters were copied. They are lost if the buffer cannot be written.
Expected<u64> read(Vcpu& caller, HypercallArguments& arguments)
{
    std::array<char, bytes_per_slice> text;
    size_t const length = console::read_input(std::span{text}.first(std::min(arguments[1], bytes_per_slice)));
    auto const bytes = std::span{reinterpret_cast<u8 const*>(text.data()), length};
    if (auto const copied = copy_to_guest(caller, Gva{arguments[2]}, bytes); !copied) return failure(copied.error());
    return length;
}

}

Expected<u64> console_io(Vcpu& caller, HypercallArguments& arguments)
{
    switch (static_cast<xen::ConsoleCommand>(arguments[0])) {
    case xen::ConsoleCommand::Write: return write(caller, arguments);
    case xen::ConsoleCommand::Read: return read(caller, arguments);
    default: return failure(Error::NotImplemented);
    }
}

}
