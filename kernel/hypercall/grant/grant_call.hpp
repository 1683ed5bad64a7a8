// SPDX-License-Identifier: MIT
/// What the grant_table_op commands share: arrays of operations, each with a status of its own.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/grant/grant_table.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes::grant {

using xen::GrantStatus;

/// grant_table_op(command, array, count).
struct GrantCall {
    Vcpu& caller;
    HypercallArguments& arguments;

    [[nodiscard]] Domain& domain() const { return caller.domain(); }
    [[nodiscard]] u32 count() const { return static_cast<u32>(arguments[2]); }
    template <typename T>
    [[nodiscard]] xen::GuestHandle<T> claim() const
    {
        return claim_of<T>(arguments[1]);
    }
    /// Removes `done` elements from the front of the array.
    template <typename T>
    void advance(u32 done) const
    {
        arguments[1] += done * sizeof(T);
        arguments[2] = count() - done;
    }
};

using Handler = Expected<u64> (*)(GrantCall&);

Expected<u64> map(GrantCall&);
Expected<u64> unmap(GrantCall&);
Expected<u64> copy(GrantCall&);

Expected<u64> setup_table(GrantCall&);
Expected<u64> query_size(GrantCall&);
Expected<u64> set_version(GrantCall&);
Expected<u64> get_version(GrantCall&);
Expected<u64> swap(GrantCall&);

/// Runs `operate` on the whole array, some operations at a time in private memory, and writes them back with their
/// statuses. After a bounded number it continues by Restart.
template <typename T, typename Operate>
Expected<u64> for_each_piece(GrantCall& call, Operate operate)
{
    constexpr u32 piece = 32;
    constexpr u32 pieces_per_slice = 4;
    std::array<T, piece> operations;
    for (u32 i = 0; call.count() != 0; ++i) {
        if (i == pieces_per_slice) return failure(Error::Restart);
        std::span const some{operations.data(), std::min(call.count(), piece)};
        auto const bytes = std::as_writable_bytes(some);
        std::span<u8> const raw{reinterpret_cast<u8*>(bytes.data()), bytes.size()};
        Gva const where{call.claim<T>().address};
        if (auto const copied = copy_from_guest(call.caller, raw, where); !copied) return failure(copied.error());
        operate(some);
        if (auto const copied = copy_to_guest(call.caller, where, raw); !copied) return failure(copied.error());
        call.template advance<T>(static_cast<u32>(some.size()));
    }
    return 0;
}

/// The domains that the operations of one array name: mostly the same one again and again.
class Granters {
public:
    explicit Granters(Domain& caller) : caller_{caller} {}
    /// Null: there is no such domain, or it is being destroyed. Good until the next call.
    [[nodiscard]] Domain* find(xen::DomainId id);

private:
    Domain& caller_;
    std::optional<DomainReference> last_;
};

}
