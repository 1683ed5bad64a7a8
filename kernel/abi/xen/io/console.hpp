// SPDX-License-Identifier: MIT
/// The page over which a domain talks to its console daemon. (xen/include/public/io/console.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// Indices only grow; a byte's place is the index modulo the size.
struct ConsoleInterface {
    std::array<char, 1024> in;
    std::array<char, 2048> out;
    u32 in_consumer;
    u32 in_producer;
    u32 out_consumer;
    u32 out_producer;
};
static_assert(sizeof(ConsoleInterface) == 3088 && has_no_hidden_bytes<ConsoleInterface>);
static_assert(offsetof(ConsoleInterface, out) == 1024 && offsetof(ConsoleInterface, in_consumer) == 3072 &&
              offsetof(ConsoleInterface, in_producer) == 3076 && offsetof(ConsoleInterface, out_consumer) == 3080 &&
              offsetof(ConsoleInterface, out_producer) == 3084);

}
