// SPDX-License-Identifier: MIT
/// The page over which a domain talks to xenstored, and its messages.
/// (xen/include/public/io/xs_wire.h and xenbus.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (enum xsd_sockmsg_type)
enum class XenstoreMessageType : u32 {
    Control = 0,
    Directory = 1,
    Read = 2,
    GetPermissions = 3,
    Watch = 4,
    Unwatch = 5,
    TransactionStart = 6,
    TransactionEnd = 7,
    Introduce = 8,
    Release = 9,
    GetDomainPath = 10,
    Write = 11,
    MakeDirectory = 12,
    Remove = 13,
    SetPermissions = 14,
    WatchEvent = 15,
    Error = 16,
    IsDomainIntroduced = 17,
    Resume = 18,
    SetTarget = 19,
    ResetWatches = 21,
    DirectoryPart = 22,
};

/// The header of every message; `length` bytes follow.
struct XenstoreMessage {
    XenstoreMessageType type;
    u32 request_id; // comes back in the reply
    u32 transaction_id;
    u32 length;
};
static_assert(sizeof(XenstoreMessage) == 16 && has_no_hidden_bytes<XenstoreMessage>);
static_assert(offsetof(XenstoreMessage, request_id) == 4 && offsetof(XenstoreMessage, transaction_id) == 8 &&
              offsetof(XenstoreMessage, length) == 12);

/// The size of each of the two rings, and the longest payload and paths.
inline constexpr u32 xenstore_ring_size = 1024;
inline constexpr u32 xenstore_payload_max = 4096;
inline constexpr u32 xenstore_absolute_path_max = 3072;
inline constexpr u32 xenstore_relative_path_max = 2048;

/// Indices only grow; a byte's place is the index modulo the size.
struct XenstoreInterface {
    std::array<char, xenstore_ring_size> requests;
    std::array<char, xenstore_ring_size> responses;
    u32 request_consumer;
    u32 request_producer;
    u32 response_consumer;
    u32 response_producer;
    u32 server_features;
    u32 connection;
    u32 error;
};
static_assert(sizeof(XenstoreInterface) == 2076 && has_no_hidden_bytes<XenstoreInterface>);
static_assert(offsetof(XenstoreInterface, responses) == 1024 && offsetof(XenstoreInterface, request_consumer) == 2048 &&
              offsetof(XenstoreInterface, request_producer) == 2052 &&
              offsetof(XenstoreInterface, response_consumer) == 2056 &&
              offsetof(XenstoreInterface, response_producer) == 2060 &&
              offsetof(XenstoreInterface, server_features) == 2064 && offsetof(XenstoreInterface, connection) == 2068 &&
              offsetof(XenstoreInterface, error) == 2072);

/// Where a device's two ends are in connecting. (enum xenbus_state)
enum class XenbusState : u32 {
    Unknown = 0,
    Initialising = 1,
    InitWait = 2,
    Initialised = 3,
    Connected = 4,
    Closing = 5,
    Closed = 6,
    Reconfiguring = 7,
    Reconfigured = 8,
};

}
