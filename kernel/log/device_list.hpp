// SPDX-License-Identifier: MIT
/// The console's devices. One that fails while it is used (a page fault on its memory, say) must not be what
/// keeps the panic from being told: it is dropped, and the others are still used.
#pragma once

#include <atomic>
#include <span>

#include "kernel/lib/integers.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes::console {

template <typename Device>
class DeviceList {
public:
    template <typename Use>
    void use_one(Device& device, Use use)
    {
        being_used_.store(&device, std::memory_order_relaxed);
        use(device);
        being_used_.store(nullptr, std::memory_order_relaxed);
    }
    template <typename Use>
    void use_all(Use use)
    {
        for (Device* device : devices_) use_one(*device, use);
    }
    void write(std::span<char const> text)
    {
        use_all([text](Device& device) { device.write(text); });
    }

    [[nodiscard]] bool add(Device& device) { return devices_.push_back(&device); }
    void remove(Device const& device)
    {
        for (size_t i = 0; i < devices_.size(); ++i)
            if (devices_[i] == &device) return devices_.erase(i);
    }
    /// For whoever holds the console's lock and finds itself inside a call that will never end.
    void drop_the_one_in_use()
    {
        if (Device const* const failed = being_used_.exchange(nullptr)) remove(*failed);
    }

private:
    StaticVector<Device*, 4> devices_;
    std::atomic<Device*> being_used_{nullptr};
};

}
