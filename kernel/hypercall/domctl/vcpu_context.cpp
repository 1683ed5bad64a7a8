// SPDX-License-Identifier: MIT
/// A vCPU's registers, one vCPU at a time: how the toolstack resumes a guest after saving it, and dumps its core.
/// (xen/include/public/domctl.h, XEN_DOMCTL_{get,set}vcpucontext.)
#include <algorithm>
#include <memory>
#include <new>

#include "kernel/abi/xen/vcpu_context.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/hypercall/domctl/domctl_call.hpp"
#include "kernel/lib/scope.hpp"

namespace hospes::control {

namespace {

using Context = xen::VcpuGuestContext;
namespace context_flag = xen::vcpu_context_flag;

struct Place {
    u64 xen::HvmCpu::* saved;
    u64 xen::CpuUserRegs::* context;
};

constexpr std::array places{
    Place{&xen::HvmCpu::rax, &xen::CpuUserRegs::rax}, Place{&xen::HvmCpu::rbx, &xen::CpuUserRegs::rbx},
    Place{&xen::HvmCpu::rcx, &xen::CpuUserRegs::rcx}, Place{&xen::HvmCpu::rdx, &xen::CpuUserRegs::rdx},
    Place{&xen::HvmCpu::rbp, &xen::CpuUserRegs::rbp}, Place{&xen::HvmCpu::rsi, &xen::CpuUserRegs::rsi},
    Place{&xen::HvmCpu::rdi, &xen::CpuUserRegs::rdi}, Place{&xen::HvmCpu::rsp, &xen::CpuUserRegs::rsp},
    Place{&xen::HvmCpu::r8, &xen::CpuUserRegs::r8},   Place{&xen::HvmCpu::r9, &xen::CpuUserRegs::r9},
    Place{&xen::HvmCpu::r10, &xen::CpuUserRegs::r10}, Place{&xen::HvmCpu::r11, &xen::CpuUserRegs::r11},
    Place{&xen::HvmCpu::r12, &xen::CpuUserRegs::r12}, Place{&xen::HvmCpu::r13, &xen::CpuUserRegs::r13},
    Place{&xen::HvmCpu::r14, &xen::CpuUserRegs::r14}, Place{&xen::HvmCpu::r15, &xen::CpuUserRegs::r15},
    Place{&xen::HvmCpu::rip, &xen::CpuUserRegs::rip}, Place{&xen::HvmCpu::rflags, &xen::CpuUserRegs::rflags},
};

void describe(Context& out, xen::HvmCpu const& saved)
{
    std::ranges::copy(saved.fpu_regs, out.fpu.begin());
    for (Place const& place : places) out.user_regs.*place.context = saved.*place.saved;
    out.user_regs.cs = static_cast<u16>(saved.cs_selector);
    out.user_regs.ss = static_cast<u16>(saved.ss_selector);
    out.user_regs.ds = static_cast<u16>(saved.ds_selector);
    out.user_regs.es = static_cast<u16>(saved.es_selector);
    out.user_regs.fs = static_cast<u16>(saved.fs_selector);
    out.user_regs.gs = static_cast<u16>(saved.gs_selector);
    out.control_registers = {saved.cr0, 0, saved.cr2, saved.cr3, saved.cr4};
    out.debug_registers = {saved.dr0, saved.dr1, saved.dr2, saved.dr3, 0, 0, saved.dr6, saved.dr7};
    out.fs_base = saved.fs_base;
    // In the kernel (CPL 0) the active base is the kernel's, the one swapgs brings is the user's.
    bool const in_kernel = (saved.cs_selector & 3) == 0;
    out.gs_base_kernel = in_kernel ? saved.gs_base : saved.shadow_gs;
    out.gs_base_user = in_kernel ? saved.shadow_gs : saved.gs_base;
    out.flags = in_kernel ? context_flag::in_kernel : 0;
    out.flags |= context_flag::i387_valid;
}

/// The vCPU that is meant, with its domain paused; never the caller's own.
Expected<Vcpu*> paused_vcpu(DomctlCall& call)
{
    if (call.concerns_caller()) return failure(Error::Invalid);
    auto const vcpu = call.vcpu(call.request.u.vcpu_context.vcpu);
    if (!vcpu) return vcpu;
    if (auto const paused = call.domain->pause(); !paused) return failure(paused.error());
    return vcpu;
}

}

Expected<> get_vcpu_context(DomctlCall& call)
{
    auto const vcpu = paused_vcpu(call);
    if (!vcpu) return failure(vcpu.error());
    ScopeExit const go_on{[&] { static_cast<void>(call.domain->unpause()); }};
    auto const context = std::unique_ptr<Context>{new (std::nothrow) Context{}};
    if (!context) return failure(Error::OutOfMemory);
    describe(*context, arch::save_cpu(**vcpu, arch::read_tsc()));
    if (!(*vcpu)->waits_for(WaitReason::Down)) context->flags |= context_flag::online;
    return copy_to_guest(call.caller, Gva{call.request.u.vcpu_context.context.address},
                         {reinterpret_cast<u8 const*>(context.get()), sizeof(Context)});
}

/// Takes the general registers, the instruction pointer and the flags; the rest of the machine's state stays.
Expected<> set_vcpu_context(DomctlCall& call)
{
    auto const context = std::unique_ptr<Context>{new (std::nothrow) Context{}};
    if (!context) return failure(Error::OutOfMemory);
    if (auto const copied = copy_from_guest(call.caller, {reinterpret_cast<u8*>(context.get()), sizeof(Context)},
                                            Gva{call.request.u.vcpu_context.context.address});
        !copied)
        return copied;
    auto const vcpu = paused_vcpu(call);
    if (!vcpu) return failure(vcpu.error());
    ScopeExit const go_on{[&] { static_cast<void>(call.domain->unpause()); }};
    xen::HvmCpu state = arch::save_cpu(**vcpu, arch::read_tsc());
    for (Place const& place : places) state.*place.saved = context->user_regs.*place.context;
    return arch::load_registers(**vcpu, state);
}

}
