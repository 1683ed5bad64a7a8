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
#include "kernel/hypercall/command_table.hpp"
#include "kernel/hypercall/guest_memory.hpp"

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

// Commands for arrays of any length.
Expected<u64> map(GrantCall&);
Expected<u64> unmap(GrantCall&);
Expected<u64> copy(GrantCall&);
Expected<u64> swap(GrantCall&);

// Commands whose array has one element.
Expected<> setup_table(GrantCall&, xen::GrantSetupTable&);
Expected<> query_size(GrantCall&, xen::GrantQuerySize&);
Expected<> set_version(GrantCall&, xen::GrantSetVersion&);
Expected<> get_version(GrantCall&, Domain&, xen::GrantGetVersion&);

/// Runs `operate` on each operation of the array, in private memory, until the budget is spent, and writes them back
/// with their statuses, some at a time: before that `finish()` ends what they have begun together.
template <typename T, typename Operate, typename Finish>
Expected<u64> for_each_operation(GrantCall& call, Operate operate, Finish finish)
{
    constexpr u32 piece = 32;
    std::array<T, piece> operations;
    while (call.count() != 0) {
        std::span const some{operations.data(), std::min(call.count(), piece)};
        auto const bytes = std::as_writable_bytes(some);
        std::span<u8> const raw{reinterpret_cast<u8*>(bytes.data()), bytes.size()};
        Gva const where{call.claim<T>().address};
        if (auto const copied = copy_from_guest(call.caller, raw, where); !copied) return failure(copied.error());
        u32 done = 0;
        bool is_spent = false;
        while (done < some.size() && !is_spent) {
            operate(some[done++]);
            is_spent = call.caller.budget.is_spent();
        }
        finish();
        if (auto const copied = copy_to_guest(call.caller, where, raw.first(done * sizeof(T))); !copied)
            return failure(copied.error());
        call.template advance<T>(done);
        if (is_spent && call.count() != 0) return failure(Error::Restart);
    }
    return 0;
}
template <typename T, typename Operate>
Expected<u64> for_each_operation(GrantCall& call, Operate operate)
{
    return for_each_operation<T>(call, operate, [] {});
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
