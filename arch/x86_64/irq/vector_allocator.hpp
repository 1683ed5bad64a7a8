// SPDX-License-Identifier: MIT
/// Which device vectors are taken. One space for all CPUs: an interrupt keeps its vector when it moves.
#pragma once

#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/lib/bitmap.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {

class VectorAllocator {
public:
    /// The lowest free one; NoSpace if all are taken.
    [[nodiscard]] Expected<u8> allocate()
    {
        auto const found = taken_.first_clear();
        if (!found) return failure(Error::NoSpace);
        taken_.set(*found);
        return static_cast<u8>(vectors::first_device + *found);
    }
    void release(u8 vector)
    {
        if (is_device_vector(vector)) taken_.clear(vector - vectors::first_device);
    }
    [[nodiscard]] static constexpr bool is_device_vector(u8 vector)
    {
        return vector >= vectors::first_device && vector <= vectors::last_device;
    }

private:
    Bitmap<vectors::last_device - vectors::first_device + 1> taken_;
};

}
