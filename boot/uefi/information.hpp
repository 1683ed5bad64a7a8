// SPDX-License-Identifier: MIT
/// Writes Multiboot 2 information, so that our own loader's way joins the one from GRUB. (Multiboot 2.0, section 3.6)
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::uefi {

class Information {
public:
    enum class Tag : u32 {
        End = 0,
        CommandLine = 1,
        LoaderName = 2,
        Module = 3,
        MemoryMap = 6,
        Framebuffer = 8,
        Efi64SystemTable = 12,
        AcpiNew = 15
    };

    explicit Information(std::span<u8> room) : room_{room} {}

    void begin(Tag tag)
    {
        used_ = (used_ + 7) & ~size_t{7};
        start_ = used_;
        put(static_cast<u32>(tag));
        put(u32{0});
    }
    template <typename T>
    void put(T const& value)
    {
        append(&value, sizeof(value));
    }
    void put_text(std::string_view text)
    {
        append(text.data(), text.size());
        put('\0');
    }
    void append(void const* bytes, size_t count)
    {
        if (used_ > room_.size() || count > room_.size() - used_) {
            overflowed_ = true;
            return;
        }
        std::memcpy(room_.data() + used_, bytes, count);
        used_ += count;
    }
    void end() { store(start_ + sizeof(u32), static_cast<u32>(used_ - start_)); }

    /// The last tag and the total size. False if there was not enough room.
    [[nodiscard]] bool finish()
    {
        begin(Tag::End);
        end();
        store(0, static_cast<u32>(used_));
        return !overflowed_;
    }

private:
    void store(size_t where, u32 value)
    {
        if (where + sizeof(value) <= room_.size()) std::memcpy(room_.data() + where, &value, sizeof(value));
    }

    std::span<u8> room_;
    size_t used_ = 8; ///< behind total size and a reserved word
    size_t start_ = 0;
    bool overflowed_ = false;
};

}
