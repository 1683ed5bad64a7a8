// SPDX-License-Identifier: MIT
/// Memory of a boot loader, for tests: bytes from a base address on.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "boot/loader_memory.hpp"

namespace hospes::fakes {

class LoaderMemory final : public boot::LoaderMemory {
public:
    explicit LoaderMemory(u64 base = 0x1000) : base_{base} {}

    [[nodiscard]] std::span<u8 const> view(Hpa where, u64 bytes) const override
    {
        if (where.raw() < base_ || where.raw() - base_ >= content_.size()) return {};
        u64 const offset = where.raw() - base_;
        return std::span{content_}.subspan(offset, std::min<u64>(bytes, content_.size() - offset));
    }

    /// Appends an object, aligned to 8; returns its address.
    template <typename T>
    u32 put(T const& object)
    {
        return append(&object, sizeof(T));
    }
    u32 put_text(std::string_view text)
    {
        std::string const terminated{text};
        return append(terminated.c_str(), terminated.size() + 1);
    }
    u32 append(void const* data, size_t bytes)
    {
        content_.resize(round_up(content_.size(), 8));
        u64 const offset = content_.size();
        content_.resize(offset + bytes);
        if (bytes != 0) std::memcpy(content_.data() + offset, data, bytes);
        return static_cast<u32>(base_ + offset);
    }

private:
    u64 base_;
    std::vector<u8> content_;
};

}
