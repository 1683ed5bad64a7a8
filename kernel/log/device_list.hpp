// SPDX-License-Identifier: MIT
/// The console's devices. One that fails while it is written to (a page fault on its memory, say) must not be what
/// keeps the panic from being told: it is dropped, and the others are still written to.
#pragma once

#include <atomic>
#include <span>

#include "kernel/lib/integers.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes::console {

template <typename Device>
class DeviceList {
public:
    void write_to(Device& device, std::span<char const> text)
    {
        being_written_.store(&device, std::memory_order_relaxed);
        device.write(text);
        being_written_.store(nullptr, std::memory_order_relaxed);
    }
    void write(std::span<char const> text)
    {
        for (Device* device : devices_) write_to(*device, text);
    }

    [[nodiscard]] bool add(Device& device) { return devices_.push_back(&device); }
    void remove(Device const& device)
    {
        for (size_t i = 0; i < devices_.size(); ++i)
            if (devices_[i] == &device) return devices_.erase(i);
    }
    /// For whoever holds the console's lock and finds itself inside a write that will never end.
    void drop_the_one_being_written()
    {
        if (Device const* const failed = being_written_.exchange(nullptr)) remove(*failed);
    }

private:
    StaticVector<Device*, 4> devices_;
    std::atomic<Device*> being_written_{nullptr};
};

}
