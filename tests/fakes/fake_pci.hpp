// SPDX-License-Identifier: MIT
/// PCI functions in memory, for virtual PCI: configuration space with writable bits, device memory, host interrupts.
#pragma once

#include <bit>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "kernel/vpci/platform.hpp"

namespace hospes::fakes {

class FakePci final : public vpci::Platform {
public:
    /// Registers of one function. A written bit that is not in `writable` stays; one in `clears` is cleared by a 1.
    struct Device {
        std::array<u8, pci::extended_space_bytes> bytes{};
        std::array<u8, pci::extended_space_bytes> writable{};
        std::array<u8, pci::extended_space_bytes> clears{};

        template <typename T>
        void put(u16 offset, T value, T writable_bits = 0)
        {
            std::memcpy(&bytes[offset], &value, sizeof value);
            std::memcpy(&writable[offset], &writable_bits, sizeof writable_bits);
        }
        template <typename T>
        [[nodiscard]] T get(u16 offset) const
        {
            T value;
            std::memcpy(&value, &bytes[offset], sizeof value);
            return value;
        }
    };

    /// A host interrupt: vector 0x40 for the first, 0x41 for the second...
    struct Interrupt {
        vpci::Message guest;
        bool is_alive = true;
    };

    Device& add_device(pci::FunctionAddress where)
    {
        Device& device = devices[where];
        device.put<u32>(0, 0x1234'8086);
        device.put<u16>(pci::header::command, 0, 0x0407);
        return device;
    }

    u32 read_config(pci::FunctionAddress where, u16 offset, unsigned bytes) override
    {
        EXPECT_EQ(offset % bytes, 0u);
        u32 value = ~0u;
        auto const found = devices.find(where);
        if (found != devices.end()) {
            value = 0;
            std::memcpy(&value, &found->second.bytes[offset], bytes);
        }
        return bytes == 4 ? value : value & ((1u << (8 * bytes)) - 1);
    }

    void write_config(pci::FunctionAddress where, u16 offset, unsigned bytes, u32 value) override
    {
        EXPECT_EQ(offset % bytes, 0u);
        auto const found = devices.find(where);
        if (found == devices.end()) return;
        Device& device = found->second;
        for (unsigned i = 0; i < bytes; ++i) {
            u8 const byte = static_cast<u8>(value >> (8 * i));
            u8& here = device.bytes[offset + i];
            u8 const mask = device.writable[offset + i];
            here = static_cast<u8>((here & ~mask) | (byte & mask));
            here = static_cast<u8>(here & ~(byte & device.clears[offset + i]));
        }
        writes.push_back({offset, bytes, value});
    }

    Expected<std::unique_ptr<vpci::MessageInterrupt>> create_interrupt(pci::FunctionAddress) override
    {
        if (interrupts.size() >= vectors) return failure(Error::NoSpace);
        interrupts.push_back({});
        return std::make_unique<Handle>(*this, interrupts.size() - 1);
    }

    Expected<> trap(Gpa where, u64 bytes) override
    {
        if (where.raw() >= end_of_device_memory) return failure(Error::Invalid);
        for (u64 page = where.raw() >> 12; page <= (where.raw() + bytes - 1) >> 12; ++page) trapped.insert(page);
        return {};
    }

    u64 read_device(Gpa where, unsigned bytes) override
    {
        EXPECT_TRUE(std::has_single_bit(bytes) && where.raw() % bytes == 0) << bytes;
        if (!trapped.contains(where.raw() >> 12)) return ~u64{0};
        u64 value = 0;
        for (unsigned i = 0; i < bytes; ++i) value |= u64{memory[where.raw() + i]} << (8 * i);
        return value;
    }

    void write_device(Gpa where, unsigned bytes, u64 value) override
    {
        EXPECT_TRUE(std::has_single_bit(bytes) && where.raw() % bytes == 0) << bytes;
        if (!trapped.contains(where.raw() >> 12)) return;
        for (unsigned i = 0; i < bytes; ++i) memory[where.raw() + i] = static_cast<u8>(value >> (8 * i));
    }

    Expected<> add_window(vpci::WindowPlace const& place) override
    {
        windows.push_back(place);
        return {};
    }

    [[nodiscard]] size_t live_interrupts() const
    {
        size_t count = 0;
        for (Interrupt const& one : interrupts) count += one.is_alive ? 1 : 0;
        return count;
    }

    struct Write {
        u16 offset;
        unsigned bytes;
        u32 value;
    };
    static constexpr u64 end_of_device_memory = 0x1'0000'0000;
    std::map<pci::FunctionAddress, Device> devices;
    std::vector<Write> writes;
    std::vector<Interrupt> interrupts;
    size_t vectors = 1000;
    bool has_messages = true; ///< for any interrupt
    std::set<u64> trapped;
    std::map<u64, u8> memory;
    std::vector<vpci::WindowPlace> windows;

    [[nodiscard]] static constexpr vpci::Message host_message(size_t index)
    {
        return {.address = 0xfee0'0000, .data = static_cast<u32>(0x40 + index)};
    }

private:
    class Handle final : public vpci::MessageInterrupt {
    public:
        Handle(FakePci& owner, size_t index) : owner_{owner}, index_{index} {}
        ~Handle() override { owner_.interrupts[index_].is_alive = false; }
        Expected<vpci::Message> aim(vpci::Message const& guest) override
        {
            owner_.interrupts[index_].guest = guest;
            if (!owner_.has_messages) return failure(Error::OutOfRange);
            return host_message(index_);
        }

    private:
        FakePci& owner_;
        size_t index_;
    };
};

}
