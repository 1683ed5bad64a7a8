// SPDX-License-Identifier: MIT
/// A vCPU as its own software has it: memory that it reads and writes, and hypercalls.
///
///     guest frames   0 ... 7    pages that it grants to others: entry i names frame i
///                    8 ... 11   buffers, one for each vCPU, where others' data is copied to
///                   12 ... 15   areas that the hypervisor is told to write to, one for each vCPU that tells
///                   16 ... 19   arguments of hypercalls, one for each vCPU
///                   20 ... 27   memory that it gives back and takes again
///                   28 ... 31   more arguments: lists, one for each vCPU
#pragma once

#include <optional>

#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes::software {

inline constexpr u32 most_vcpus = 4;
inline constexpr u64 ram_frames = 32;
inline constexpr u64 granted_frames = 8;
inline constexpr u64 first_buffer = 8, first_area = 12, first_argument = 16, first_list = 28;
inline constexpr u64 first_spare = 20, spare_frames = 8;
inline constexpr u64 grant_table_at = 0x100, shared_info_at = 0x110;
/// Each vCPU has its own, where it maps what others grant.
inline constexpr u64 first_window = 0x200, window_frames = 16;
/// Where the control domain maps other domains' memory, the same way.
inline constexpr u64 first_foreign_window = 0x300;
/// The control domain's buffers for what does not fit into one page, the same way.
inline constexpr u64 first_large_buffer = 0x400, large_buffer_frames = 8;

class Processor {
public:
    /// Must the vCPU leave its CPU now? Then a hypercall that wants to be run again is not.
    using MustStop = bool (*)(Vcpu const&);

    explicit Processor(
        Vcpu& vcpu, MustStop must_stop = [](Vcpu const&) { return false; })
        : vcpu_{vcpu}, must_stop_{must_stop}
    {}

    [[nodiscard]] Vcpu& vcpu() const { return vcpu_; }
    [[nodiscard]] Domain& domain() const { return vcpu_.domain(); }
    [[nodiscard]] u64 page(u64 first_of_vcpus) const { return (first_of_vcpus + vcpu_.id()) << page_shift; }

    /// Makes a hypercall, as often as it asks for that. Errors are negative.
    s64 call(xen::Hypercall number, u64 a, u64 b = 0, u64 c = 0) const;

    /// The same with a structure, which goes through the page of arguments and back.
    template <typename Command, typename T>
    s64 call_with(xen::Hypercall number, Command command, T& value, u64 count = 1) const
    {
        if (!put(page(first_argument), value)) return no_memory;
        s64 const result = call(number, static_cast<u64>(command), page(first_argument), count);
        take_back(value);
        return result;
    }
    /// The same for hypercalls whose only argument is a structure.
    template <typename T>
    s64 call_about(xen::Hypercall number, T& value) const
    {
        if (!put(page(first_argument), value)) return no_memory;
        s64 const result = call(number, page(first_argument));
        take_back(value);
        return result;
    }
    /// vcpu_op has its structure behind the vCPU's number.
    template <typename T>
    s64 vcpu_call(xen::VcpuCommand command, u32 target, T value) const
    {
        if (!put(page(first_argument), value)) return no_memory;
        return call(xen::Hypercall::VcpuOp, static_cast<u64>(command), target, page(first_argument));
    }

    template <typename T>
    bool put(u64 address, T const& value) const
    {
        return copy_to_guest(vcpu_, Gva{address}, {reinterpret_cast<u8 const*>(&value), sizeof value}).has_value();
    }
    template <typename T>
    [[nodiscard]] std::optional<T> get(u64 address) const
    {
        auto const value = copy_in(vcpu_, xen::GuestHandle<T>{address});
        return value ? std::optional{*value} : std::nullopt;
    }

    static constexpr s64 no_memory = -static_cast<s64>(Error::BadAddress);
    static constexpr s64 interrupted = -static_cast<s64>(Error::Restart);

private:
    template <typename T>
    void take_back(T& value) const
    {
        if (auto const after = get<T>(page(first_argument))) value = *after;
    }

    Vcpu& vcpu_;
    MustStop must_stop_;
};

}
