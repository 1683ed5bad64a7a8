// SPDX-License-Identifier: MIT
/// SSE is switched on and off with CR0 and CR4 (SDM volume 3, section 2.5); the canary is where the psABI puts it, at
/// FS:0x28 (System V ABI, AMD64 supplement, "Thread-Local Storage" and the compilers' -fstack-protector).
#include "kernel/arch/foreign_code.hpp"

#include <array>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpu/msr.hpp"

namespace hospes::arch {

namespace {

constexpr u32 msr_fs_base = 0xC000'0100; // AMD64 APM volume 2, section 4.5.3

/// As far as foreign code reads what FS points at.
struct ThreadArea {
    std::array<u64, 5> unused;
    u64 canary;
};
static_assert(offsetof(ThreadArea, canary) == 0x28);
constinit ThreadArea thread_area{.unused = {}, .canary = 0x5AFE'57AC'00FF'0A0D};

}

ForeignCode::ForeignCode() : control_0_{read_cr0().raw()}, control_4_{read_cr4().raw()}, fs_base_{read_msr(msr_fs_base)}
{
    write_cr0(
        read_cr0().with<Cr0::Emulation>(false).with<Cr0::TaskSwitched>(false).with<Cr0::MonitorCoprocessor>(true));
    write_cr4(read_cr4().with<Cr4::FxsaveSupport>(true).with<Cr4::SimdExceptions>(true));
    write_msr(msr_fs_base, reinterpret_cast<u64>(&thread_area));
}

ForeignCode::~ForeignCode()
{
    write_msr(msr_fs_base, fs_base_);
    write_cr4(Cr4{control_4_});
    write_cr0(Cr0{control_0_});
}

}
