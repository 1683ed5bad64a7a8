// SPDX-License-Identifier: MIT
/// The lock order of the whole hypervisor, on one screen.
/// A CPU that holds a lock may only take locks of a later rank; debug builds check it.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

enum class LockRank : u8 {
    DomainList,        ///< creating and removing domains, lookup by id; those that wait to be freed
    DomainControl,     ///< one domain's toolstack-visible settings (pause counts, memory map, …); dom0's device memory
    Watchdogs,         ///< one domain's watchdogs, and whether it is held still
    Physmap,           ///< one domain's guest-physical map, against concurrent changes
    GrantMaptrack,     ///< one domain's record of what it has mapped
    GrantTable,        ///< one domain's shared grant entries; two of them in order of domain id
    EventChannel,      ///< one domain's ports; two of them in order of domain id
    EventPort,         ///< one port, against sending while it changes
    EventMove,         ///< one port's event that goes to another vCPU's queues than last time
    EventQueue,        ///< one vCPU's queues of events; two of them in order of vCPU number
    VirtualInterrupts, ///< virtual IOAPIC, MSI bindings, virtual PCI functions
    PciConfig,         ///< the address and data ports of configuration space, its windows and dom0's view of them
    InterruptRouting,  ///< host vectors, IOAPIC pins, the host's mappings of devices
    Iommu,             ///< IOMMU tables, command queues and faults
    AccessMap,         ///< one domain's trapped ports or addresses, against concurrent changes
    VcpuAreas,         ///< one vCPU's pages that the hypervisor writes: vcpu_info, run-state and time area
    Scheduler,         ///< one CPU's run queue; two of them in order of CPU number
    Timers,            ///< one CPU's deadline queue
    Clock,             ///< wall clock, and the one that dom0 reads by ports
    Heap,              ///< small objects
    FrameAllocator,    ///< free lists
    Console,           ///< serial line both ways, log ring: innermost, so anything can log
};

}
