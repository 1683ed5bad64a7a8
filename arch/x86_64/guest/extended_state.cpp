// SPDX-License-Identifier: MIT
/// XSAVE and XRSTOR, or FXSAVE and FXRSTOR on CPUs without them; and the record of both in saved state.
#include "arch/x86_64/guest/extended_state.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::arch {

namespace {

constexpr size_t legacy_bytes = 512;
constexpr size_t header_bytes = 64;
constexpr u16 initial_control_word = 0x37f; ///< (SDM vol. 3, table 10-1)
constexpr u32 initial_mxcsr = 0x1f80;
constexpr size_t mxcsr_offset = 24;
constexpr u32 legal_mxcsr = 0xffff;
constexpr u64 minimum = Xcr0::X87::mask | Xcr0::Sse::mask;

/// All components that some guest may use: what is switched.
u64 switched_components()
{
    static u64 const mask = system_policies().maximum.xcr0_mask();
    return mask;
}

size_t area_bytes()
{
    u32 const with_xsave = system_policies().maximum.xstate[0].ecx;
    return std::max<size_t>(with_xsave, legacy_bytes + header_bytes);
}

bool has_xsave() { return switched_components() != 0; }

void restore_components(u8 const* area, u64 mask)
{
    asm volatile("xrstor64 (%0)"
                 :
                 : "r"(area), "a"(static_cast<u32>(mask)), "d"(static_cast<u32>(mask >> 32))
                 : "memory");
}

void save_components(u8* area, u64 mask)
{
    asm volatile("xsave64 (%0)"
                 :
                 : "r"(area), "a"(static_cast<u32>(mask)), "d"(static_cast<u32>(mask >> 32))
                 : "memory");
}

/// (SDM vol. 1, 13.3): what XSETBV refuses.
bool is_legal_xcr0(u64 value, u64 allowed)
{
    constexpr u64 avx512 = Xcr0::OpMask::mask | Xcr0::ZmmHigh256::mask | Xcr0::ZmmHigh16::mask;
    Xcr0 const xcr0{value};
    if ((value & ~allowed) != 0 || !xcr0.get<Xcr0::X87>()) return false;
    if (xcr0.get<Xcr0::Avx>() && !xcr0.get<Xcr0::Sse>()) return false;
    if ((value & avx512) == 0) return true;
    return (value & avx512) == avx512 && xcr0.get<Xcr0::Avx>();
}

}

ExtendedState::~ExtendedState()
{
    if (area_) frames::free(frame_of(physical_address(area_)), order_);
}

Expected<> ExtendedState::initialize()
{
    order_ = static_cast<unsigned>(std::bit_width(pages_for(area_bytes()) - 1));
    auto const frame = frames::allocate_zeroed(order_);
    if (!frame) return failure(frame.error());
    area_ = static_cast<u8*>(reach(*frame));
    reset();
    return {};
}

void ExtendedState::reset()
{
    std::memset(area_, 0, page_size << order_);
    std::memcpy(area_, &initial_control_word, sizeof initial_control_word);
    std::memcpy(area_ + mxcsr_offset, &initial_mxcsr, sizeof initial_mxcsr);
    u64 const components = minimum; // of the header: x87 and SSE are in the area, the rest is initial
    std::memcpy(area_ + legacy_bytes, &components, sizeof components);
    xcr0_ = xcr0_accumulated_ = Xcr0::X87::mask;
}

void ExtendedState::load() const
{
    if (!has_xsave()) {
        asm volatile("fxrstor64 (%0)" : : "r"(area_) : "memory");
        return;
    }
    write_xcr0(Xcr0{switched_components()});
    restore_components(area_, switched_components());
    write_xcr0(Xcr0{xcr0_});
}

void ExtendedState::save()
{
    if (!has_xsave()) {
        asm volatile("fxsave64 (%0)" : : "r"(area_) : "memory");
        return;
    }
    xcr0_ = read_xcr0().raw();
    write_xcr0(Xcr0{switched_components()});
    save_components(area_, switched_components());
}

Expected<> ExtendedState::set_xcr0(u64 value, u64 allowed)
{
    if (!is_legal_xcr0(value, allowed)) return failure(Error::Invalid);
    xcr0_ = value;
    xcr0_accumulated_ |= value;
    write_xcr0(Xcr0{value});
    return {};
}

std::span<u8 const, 512> ExtendedState::legacy() const { return std::span<u8 const, 512>{area_, legacy_bytes}; }

void ExtendedState::set_legacy(std::span<u8 const, 512> image)
{
    u32 mxcsr = 0;
    std::memcpy(&mxcsr, &image[mxcsr_offset], sizeof mxcsr);
    mxcsr &= legal_mxcsr; // other bits would make XRSTOR fault
    std::memcpy(area_, image.data(), image.size());
    std::memcpy(area_ + mxcsr_offset, &mxcsr, sizeof mxcsr);
    u64 components = 0;
    std::memcpy(&components, area_ + legacy_bytes, sizeof components);
    components |= minimum;
    std::memcpy(area_ + legacy_bytes, &components, sizeof components);
}

namespace {
constexpr size_t record_area_offset = offsetof(xen::HvmCpuXsave, legacy);
}

size_t ExtendedState::write_record(std::span<u8> out) const
{
    if (!has_xsave()) return 0;
    size_t const needed = record_area_offset + area_bytes();
    if (out.size() < needed) return needed;
    xen::HvmCpuXsave head{};
    head.xfeature_mask = switched_components();
    head.xcr0 = xcr0_;
    head.xcr0_accumulated = xcr0_accumulated_;
    std::memcpy(out.data(), &head, record_area_offset);
    std::memcpy(out.data() + record_area_offset, area_, area_bytes());
    return needed;
}

Expected<> ExtendedState::read_record(std::span<u8 const> record, u64 allowed)
{
    xen::HvmCpuXsave head{};
    if (!has_xsave() || record.size() < sizeof head) return failure(Error::Invalid);
    std::memcpy(&head, record.data(), sizeof head);
    std::span<u8 const> const area = record.subspan(record_area_offset);
    bool const legal_header =
        head.xcomp_bv == 0 && std::ranges::all_of(head.reserved, [](u64 word) { return word == 0; });
    if (!is_legal_xcr0(head.xcr0, allowed) || !legal_header || area.size() > area_bytes())
        return failure(Error::Invalid);
    if ((head.xcr0_accumulated & ~allowed) != 0 || (head.xstate_bv & ~switched_components()) != 0)
        return failure(Error::Invalid);
    reset();
    std::memcpy(area_, area.data(), area.size());
    set_legacy(area.first<legacy_bytes>());
    xcr0_ = head.xcr0;
    xcr0_accumulated_ = head.xcr0_accumulated | head.xcr0;
    return {};
}

}
