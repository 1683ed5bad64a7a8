// SPDX-License-Identifier: MIT
/// The two rings of a network interface. (xen/include/public/io/netif.h)
#pragma once

#include <cstddef>

#include "kernel/abi/xen/io/ring.hpp"
#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// NetworkTxRequest::flags. (NETTXF_*)
namespace network_tx_flag {
inline constexpr u16 checksum_blank = 1U << 0;
inline constexpr u16 data_validated = 1U << 1;
inline constexpr u16 more_data = 1U << 2;
inline constexpr u16 extra_info = 1U << 3;
}

/// NetworkRxResponse::flags. (NETRXF_*)
namespace network_rx_flag {
inline constexpr u16 data_validated = 1U << 0;
inline constexpr u16 checksum_blank = 1U << 1;
inline constexpr u16 more_data = 1U << 2;
inline constexpr u16 extra_info = 1U << 3;
inline constexpr u16 gso_prefix = 1U << 4;
}

/// Responses' status; a received packet's is its length instead. (NETIF_RSP_*)
enum class NetworkStatus : s16 {
    Dropped = -2,
    Error = -1,
    Okay = 0,
    Null = 1,
};

/// A piece of a packet to send.
struct NetworkTxRequest {
    GrantReference reference;
    u16 offset;
    u16 flags;
    u16 id;
    u16 size;
};
static_assert(sizeof(NetworkTxRequest) == 12 && has_no_hidden_bytes<NetworkTxRequest>);
static_assert(offsetof(NetworkTxRequest, offset) == 4 && offsetof(NetworkTxRequest, flags) == 6 &&
              offsetof(NetworkTxRequest, id) == 8 && offsetof(NetworkTxRequest, size) == 10);

struct NetworkTxResponse {
    u16 id;
    NetworkStatus status;
};
static_assert(sizeof(NetworkTxResponse) == 4 && has_no_hidden_bytes<NetworkTxResponse>);
static_assert(offsetof(NetworkTxResponse, status) == 2);

/// A page to receive into.
struct NetworkRxRequest {
    u16 id;
    u16 pad;
    GrantReference reference;
};
static_assert(sizeof(NetworkRxRequest) == 8 && has_no_hidden_bytes<NetworkRxRequest>);
static_assert(offsetof(NetworkRxRequest, reference) == 4);

/// A positive status is the number of bytes.
struct NetworkRxResponse {
    u16 id;
    u16 offset;
    u16 flags;
    s16 status;
};
static_assert(sizeof(NetworkRxResponse) == 8 && has_no_hidden_bytes<NetworkRxResponse>);
static_assert(offsetof(NetworkRxResponse, offset) == 2 && offsetof(NetworkRxResponse, flags) == 4 &&
              offsetof(NetworkRxResponse, status) == 6);

using NetworkTxRing = SharedRing<NetworkTxRequest, NetworkTxResponse>;
using NetworkRxRing = SharedRing<NetworkRxRequest, NetworkRxResponse>;
static_assert(NetworkTxRing::nr_entries == 256 && NetworkRxRing::nr_entries == 256);

}
