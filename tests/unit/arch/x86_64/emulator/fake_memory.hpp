// SPDX-License-Identifier: MIT
/// Byte-wise guest memory and ports that remember every access and can be told to fail.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "arch/x86_64/emulator/execute.hpp"

namespace hospes::emulator::test {

struct Access {
    bool is_write;
    u64 address;
    u64 value;
    unsigned bytes;
    bool operator==(Access const&) const = default;
};

class FakeMemory final : public Memory {
public:
    Expected<u64> read(Gva linear, unsigned bytes) override
    {
        if (linear.raw() == failing_read) return failure(Error::BadAddress);
        u64 value = 0;
        for (unsigned i = 0; i < bytes; ++i) value |= u64{content[linear.raw() + i]} << (8 * i);
        log.push_back({false, linear.raw(), value, bytes});
        return value;
    }

    Expected<> write(Gva linear, u64 value, unsigned bytes) override
    {
        if (linear.raw() == failing_write) return failure(Error::AccessDenied);
        for (unsigned i = 0; i < bytes; ++i) content[linear.raw() + i] = static_cast<u8>(value >> (8 * i));
        log.push_back({true, linear.raw(), value, bytes});
        return {};
    }

    void put(u64 address, u64 value)
    {
        for (unsigned i = 0; i < 8; ++i) content[address + i] = static_cast<u8>(value >> (8 * i));
    }

    [[nodiscard]] u64 get(u64 address)
    {
        u64 value = 0;
        for (unsigned i = 0; i < 8; ++i) value |= u64{content[address + i]} << (8 * i);
        return value;
    }

    std::map<u64, u8> content;
    std::vector<Access> log;
    std::optional<u64> failing_read;
    std::optional<u64> failing_write;
};

class FakePorts final : public Ports {
public:
    Expected<u64> in(u16 port, unsigned bytes) override
    {
        log.push_back({false, port, 0, bytes});
        return next_input++;
    }

    Expected<> out(u16 port, u64 value, unsigned bytes) override
    {
        log.push_back({true, port, value, bytes});
        return {};
    }

    u64 next_input = 0;
    std::vector<Access> log;
};

}
