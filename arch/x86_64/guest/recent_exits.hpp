// SPDX-License-Identifier: MIT
/// Why a vCPU left its guest the last times, but for hypercalls and CPUID, kept in one register's worth: for the log
/// when the guest ends badly.
#pragma once

#include <optional>
#include <utility>

#include "arch/x86_64/guest/exit.hpp"

namespace hospes::arch {

class RecentExits {
public:
    static constexpr unsigned most = 8;

    void note(ExitKind kind) { kinds_ = kinds_ << bits | std::to_underlying(kind); }
    /// The newest is number 0; nothing if there were not so many.
    [[nodiscard]] std::optional<ExitKind> operator[](unsigned number) const
    {
        auto const kind = static_cast<u8>(kinds_ >> bits * number);
        return kind == none ? std::nullopt : std::optional{static_cast<ExitKind>(kind)};
    }

private:
    static constexpr unsigned bits = 8;
    static constexpr u8 none = 0xff;
    static_assert(exit_kind_count <= none);

    u64 kinds_ = ~u64{0};
};

}
