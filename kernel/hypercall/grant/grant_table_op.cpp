// SPDX-License-Identifier: MIT
/// grant_table_op(command, array, count). (xen/include/public/grant_table.h; abi.md 3.2.)
#include "kernel/hypercall/grant/grant_call.hpp"

namespace hospes {

namespace {

using enum xen::GrantTableCommand;

/// Commands that are not here are for paravirtualised page tables, version 2, or other architectures.
constexpr std::array rows{
    CommandRow{MapGrantRef, plain<grant::map>},
    CommandRow{UnmapGrantRef, plain<grant::unmap>},
    CommandRow{SetupTable, reporting<grant::setup_table>},
    CommandRow{Copy, plain<grant::copy>},
    CommandRow{QuerySize, reporting<grant::query_size>},
    CommandRow{SetVersion, reporting<grant::set_version>},
    CommandRow{GetVersion, reporting<grant::get_version>, Caller::NamedDomain},
    CommandRow{SwapGrantRef, plain<grant::swap>},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> grant_table_op(Vcpu& caller, HypercallArguments& arguments)
{
    grant::GrantCall call{caller, arguments};
    if (static_cast<s32>(call.count()) < 0) return refused(Error::Invalid);
    auto const* const row = commands.find(static_cast<u32>(arguments[0]));
    if (row && row->bytes != 0 && call.count() != 1) return refused(Error::Invalid);
    return run_command(row, caller, call, arguments[1]);
}

}
