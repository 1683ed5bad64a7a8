// SPDX-License-Identifier: MIT
/// The C headers of a release of Xen, Debian's libxen-dev for one, as the toolstack sees them. Include it after
/// everything else.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

// The saved-state header insists on GNU extensions, which -std=c++23 hides but does not take away.
#undef __STRICT_ANSI__
// As the toolstack does: domctl and sysctl are shown to nobody else.
#define __XEN_TOOLS__ 1

#include <xen/xen.h>

#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/arch-x86/xen-mca.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/io/blkif.h>
#include <xen/io/console.h>
#include <xen/io/netif.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "tests/unit/abi/absent.hpp"
