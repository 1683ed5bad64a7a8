// SPDX-License-Identifier: MIT
/// grant_table_op(command, array, count). (xen/include/public/grant_table.h; abi.md 3.2.)
#include "kernel/hypercall/grant/grant_call.hpp"

namespace hospes {

namespace {

struct Row {
    xen::GrantTableCommand command;
    grant::Handler handler;
};

using enum xen::GrantTableCommand;

/// Commands that are not here are for paravirtualised page tables, version 2, or other architectures.
constexpr std::array rows{
    Row{MapGrantRef, grant::map},        Row{UnmapGrantRef, grant::unmap},  Row{Copy, grant::copy},
    Row{SetupTable, grant::setup_table}, Row{QuerySize, grant::query_size}, Row{SetVersion, grant::set_version},
    Row{GetVersion, grant::get_version}, Row{SwapGrantRef, grant::swap},
};

}

Expected<u64> grant_table_op(Vcpu& caller, HypercallArguments& arguments)
{
    grant::GrantCall call{caller, arguments};
    if (static_cast<s32>(call.count()) < 0) return failure(Error::Invalid);
    auto const command = static_cast<xen::GrantTableCommand>(arguments[0]);
    for (Row const& row : rows)
        if (row.command == command) return row.handler(call);
    return failure(Error::NotImplemented);
}

}
