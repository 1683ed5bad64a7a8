// SPDX-License-Identifier: MIT
/// Hypercalls from 32-bit code with PAE, as a 32-bit Linux makes them: pointers go through three levels of tables, and
/// two pages that follow each other lie apart. What failure would look like, tests/guests/narrow/calls.cpp says.
#include "tests/guests/narrow/narrow.hpp"

namespace hospes::test {

namespace {

constexpr std::uint64_t present = 1, writable = 2, large = 0x80;
constexpr Number large_page = 0x20'0000;
constexpr Number window = 0xc000'0000; ///< linear; the first two pages there are the table's
constexpr Number cr4_pae = 1 << 5, cr0_paging = 1u << 31;

alignas(page_bytes) std::array<std::array<std::uint64_t, 512>, 4> directories;
alignas(page_bytes) std::array<std::uint64_t, 512> table;
alignas(32) std::array<std::uint64_t, 4> root;
alignas(page_bytes) std::array<std::array<std::uint8_t, page_bytes>, 3> apart;

std::uint64_t address(void const* pointer) { return reinterpret_cast<Number>(pointer); }

void switch_paging_on()
{
    for (Number i = 0; i < 2048; ++i)
        directories[i / 512][i % 512] = std::uint64_t{i} * large_page | large | writable | present;
    table[0] = address(&apart[2]) | writable | present;
    table[1] = address(&apart[0]) | writable | present;
    directories[window >> 30][0] = address(&table) | writable | present;
    for (std::size_t i = 0; i < root.size(); ++i) root[i] = address(&directories[i]) | present;
    asm volatile("movl %%cr4, %%eax\n orl %0, %%eax\n movl %%eax, %%cr4\n"
                 "movl %1, %%cr3\n"
                 "movl %%cr0, %%eax\n orl %2, %%eax\n movl %%eax, %%cr0\n"
                 :
                 : "i"(cr4_pae), "r"(root.data()), "i"(cr0_paging)
                 : "eax", "memory");
}

/// A structure that begins in one page and ends in another, and one in a page that is not there.
void call_across_pages()
{
    auto& split = *reinterpret_cast<xen_add_to_physmap*>(window + page_bytes - 8);
    split = {.domid = DOMID_SELF, .size = 0, .space = XENMAPSPACE_shared_info, .idx = 1, .gpfn = 0};
    report(apart[0][4] == 0 && apart[2][page_bytes - 8] == (DOMID_SELF & 0xff), "two pages lie apart");
    report(hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &split) == -EINVAL, "a structure in both is read");
    report(hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, window + 2 * page_bytes) == -EFAULT,
           "one in a page that is not there is EFAULT");
    report(hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, window + 2 * page_bytes - 8) == -EFAULT,
           "and so is one that ends there");
}

void prepare()
{
    switch_paging_on();
    call_across_pages();
}

}

constinit NarrowGuest const this_guest{"narrow_pae", prepare};

}
