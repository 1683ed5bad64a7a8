// SPDX-License-Identifier: MIT
/// set_timer_op(deadline): the older way to set the one-shot timer; 0 stops it. (xen/include/public/xen.h.)
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/one_shot_timer.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes {

void set_one_shot_timer(Vcpu& vcpu, u64 deadline) { timers::set(vcpu.one_shot_timer, arch::this_cpu(), deadline); }

Expected<u64> set_timer_op(Vcpu& caller, HypercallArguments& arguments)
{
    if (arguments[0] == 0)
        timers::cancel(caller.one_shot_timer);
    else
        set_one_shot_timer(caller, arguments[0]);
    return 0;
}

}
