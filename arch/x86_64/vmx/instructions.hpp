// SPDX-License-Identifier: MIT
/// The VMX instructions, each once. All succeed with CF and ZF clear, the condition "above". (SDM vol. 3, chapter 31)
#pragma once

#include "arch/x86_64/vmx/vmcs.hpp"
#include "kernel/lib/address.hpp"

namespace hospes::vmx {

[[nodiscard]] inline bool vmxon(Hpa region)
{
    bool succeeded;
    u64 const operand = region.raw();
    asm volatile("vmxon %1" : "=@cca"(succeeded) : "m"(operand) : "memory");
    return succeeded;
}

[[nodiscard]] inline bool vmclear(Hpa region)
{
    bool succeeded;
    u64 const operand = region.raw();
    asm volatile("vmclear %1" : "=@cca"(succeeded) : "m"(operand) : "memory");
    return succeeded;
}

[[nodiscard]] inline bool vmptrld(Hpa region)
{
    bool succeeded;
    u64 const operand = region.raw();
    asm volatile("vmptrld %1" : "=@cca"(succeeded) : "m"(operand) : "memory");
    return succeeded;
}

[[nodiscard]] inline bool vmread(u32 encoding, u64& value)
{
    bool succeeded;
    asm volatile("vmread %2, %1" : "=@cca"(succeeded), "=r"(value) : "r"(u64{encoding}));
    return succeeded;
}

[[nodiscard]] inline bool vmwrite(u32 encoding, u64 value)
{
    bool succeeded;
    asm volatile("vmwrite %2, %1" : "=@cca"(succeeded) : "r"(u64{encoding}), "r"(value) : "memory");
    return succeeded;
}

enum class Invalidation : u64 { SingleContext = 1, AllContexts = 2 };

/// What INVEPT and INVVPID take.
struct InvalidationDescriptor {
    u64 context; ///< EPT pointer, or VPID
    u64 address;
};
static_assert(sizeof(InvalidationDescriptor) == 16);

[[nodiscard]] inline bool invept(Invalidation type, EptPointer pointer)
{
    bool succeeded;
    InvalidationDescriptor const operand{pointer.raw(), 0};
    asm volatile("invept %1, %2" : "=@cca"(succeeded) : "m"(operand), "r"(type) : "memory");
    return succeeded;
}

[[nodiscard]] inline bool invvpid(Invalidation type, u16 vpid)
{
    bool succeeded;
    InvalidationDescriptor const operand{vpid, 0};
    asm volatile("invvpid %1, %2" : "=@cca"(succeeded) : "m"(operand), "r"(type) : "memory");
    return succeeded;
}

/// Only a broken invariant of ours makes VMREAD or VMWRITE fail.
[[noreturn]] void access_failed(u32 encoding);

/// A field of the CPU's current VMCS.
template <typename Value>
[[nodiscard]] Value read(VmcsField<Value> field)
{
    u64 value;
    if (!vmread(field.encoding(), value)) [[unlikely]]
        access_failed(field.encoding());
    return static_cast<Value>(value);
}

template <typename Value>
void write(VmcsField<Value> field, std::type_identity_t<Value> value)
{
    if (!vmwrite(field.encoding(), value)) [[unlikely]]
        access_failed(field.encoding());
}

}
