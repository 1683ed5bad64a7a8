// SPDX-License-Identifier: MIT
/// The registers with which vcpu_op initialise starts a vCPU. (xen/include/public/hvm/hvm_vcpu.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// VcpuHvmContext::mode. (VCPU_HVM_MODE_*)
enum class VcpuHvmMode : u32 {
    Bits32 = 0,
    Bits64 = 1,
};

/// Protected mode, with or without paging.
struct VcpuHvmX8632 {
    u32 eax;
    u32 ecx;
    u32 edx;
    u32 ebx;
    u32 esp;
    u32 ebp;
    u32 esi;
    u32 edi;
    u32 eip;
    u32 eflags;
    u32 cr0;
    u32 cr3;
    u32 cr4;
    u32 pad1;
    u64 efer;
    u32 cs_base;
    u32 ds_base;
    u32 ss_base;
    u32 es_base;
    u32 tr_base;
    u32 cs_limit;
    u32 ds_limit;
    u32 ss_limit;
    u32 es_limit;
    u32 tr_limit;
    u16 cs_attributes;
    u16 ds_attributes;
    u16 ss_attributes;
    u16 es_attributes;
    u16 tr_attributes;
    std::array<u16, 3> pad2;
};
static_assert(sizeof(VcpuHvmX8632) == 120 && has_no_hidden_bytes<VcpuHvmX8632>);
static_assert(offsetof(VcpuHvmX8632, ecx) == 4 && offsetof(VcpuHvmX8632, edx) == 8 &&
              offsetof(VcpuHvmX8632, ebx) == 12 && offsetof(VcpuHvmX8632, esp) == 16 &&
              offsetof(VcpuHvmX8632, ebp) == 20 && offsetof(VcpuHvmX8632, esi) == 24 &&
              offsetof(VcpuHvmX8632, edi) == 28 && offsetof(VcpuHvmX8632, eip) == 32 &&
              offsetof(VcpuHvmX8632, eflags) == 36 && offsetof(VcpuHvmX8632, cr0) == 40 &&
              offsetof(VcpuHvmX8632, cr3) == 44 && offsetof(VcpuHvmX8632, cr4) == 48 &&
              offsetof(VcpuHvmX8632, efer) == 56 && offsetof(VcpuHvmX8632, cs_base) == 64 &&
              offsetof(VcpuHvmX8632, ds_base) == 68 && offsetof(VcpuHvmX8632, ss_base) == 72 &&
              offsetof(VcpuHvmX8632, es_base) == 76 && offsetof(VcpuHvmX8632, tr_base) == 80 &&
              offsetof(VcpuHvmX8632, cs_limit) == 84 && offsetof(VcpuHvmX8632, ds_limit) == 88 &&
              offsetof(VcpuHvmX8632, ss_limit) == 92 && offsetof(VcpuHvmX8632, es_limit) == 96 &&
              offsetof(VcpuHvmX8632, tr_limit) == 100 && offsetof(VcpuHvmX8632, cs_attributes) == 104 &&
              offsetof(VcpuHvmX8632, ds_attributes) == 106 && offsetof(VcpuHvmX8632, ss_attributes) == 108 &&
              offsetof(VcpuHvmX8632, es_attributes) == 110 && offsetof(VcpuHvmX8632, tr_attributes) == 112);

/// Long mode with flat segments.
struct VcpuHvmX8664 {
    u64 rax;
    u64 rcx;
    u64 rdx;
    u64 rbx;
    u64 rsp;
    u64 rbp;
    u64 rsi;
    u64 rdi;
    u64 rip;
    u64 rflags;
    u64 cr0;
    u64 cr3;
    u64 cr4;
    u64 efer;
};
static_assert(sizeof(VcpuHvmX8664) == 112 && has_no_hidden_bytes<VcpuHvmX8664>);
static_assert(offsetof(VcpuHvmX8664, rcx) == 8 && offsetof(VcpuHvmX8664, rdx) == 16 &&
              offsetof(VcpuHvmX8664, rbx) == 24 && offsetof(VcpuHvmX8664, rsp) == 32 &&
              offsetof(VcpuHvmX8664, rbp) == 40 && offsetof(VcpuHvmX8664, rsi) == 48 &&
              offsetof(VcpuHvmX8664, rdi) == 56 && offsetof(VcpuHvmX8664, rip) == 64 &&
              offsetof(VcpuHvmX8664, rflags) == 72 && offsetof(VcpuHvmX8664, cr0) == 80 &&
              offsetof(VcpuHvmX8664, cr3) == 88 && offsetof(VcpuHvmX8664, cr4) == 96 &&
              offsetof(VcpuHvmX8664, efer) == 104);

/// Which member of the union speaks depends on `mode`.
struct VcpuHvmContext {
    u32 mode; // VcpuHvmMode
    u32 pad;
    union Registers {
        VcpuHvmX8632 bits32;
        VcpuHvmX8664 bits64;
    } u;
};
static_assert(sizeof(VcpuHvmContext) == 128);
static_assert(offsetof(VcpuHvmContext, u) == 8);

}
