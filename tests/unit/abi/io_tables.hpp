// SPDX-License-Identifier: MIT
/// Our names beside those of the C headers: the rings between frontends, backends and daemons.
#pragma once

#include "tests/unit/abi/table.hpp"

#include "kernel/abi/xen/io/block.hpp"
#include "kernel/abi/xen/io/console.hpp"
#include "kernel/abi/xen/io/network.hpp"
#include "kernel/abi/xen/io/xenstore.hpp"

#include "tests/unit/abi/xen_headers.hpp"

namespace hospes::xen {

// clang-format off

inline Table io_block_table()
{
    return {
        .header = "io/block.hpp",
        .values = {
            VALUE(BlockOperation::Read, BLKIF_OP_READ),
            VALUE(BlockOperation::Write, BLKIF_OP_WRITE),
            VALUE(BlockOperation::WriteBarrier, BLKIF_OP_WRITE_BARRIER),
            VALUE(BlockOperation::FlushDiskCache, BLKIF_OP_FLUSH_DISKCACHE),
            VALUE(BlockOperation::Discard, BLKIF_OP_DISCARD),
            VALUE(BlockOperation::Indirect, BLKIF_OP_INDIRECT),
            VALUE(BlockStatus::NotSupported, BLKIF_RSP_EOPNOTSUPP),
            VALUE(BlockStatus::Error, BLKIF_RSP_ERROR),
            VALUE(BlockStatus::Okay, BLKIF_RSP_OKAY),
            VALUE(block_max_segments, BLKIF_MAX_SEGMENTS_PER_REQUEST),
        },
        .structures = {
            STRUCTURE(BlockSegment, blkif_request_segment,
                MEMBER(reference, gref), MEMBER(first_sector, first_sect), MEMBER(last_sector, last_sect),
                PADDING(pad)),
            STRUCTURE(BlockRequest, blkif_request,
                MEMBER(operation, operation), MEMBER(nr_segments, nr_segments), MEMBER(handle, handle), PADDING(pad),
                MEMBER(id, id), MEMBER(sector_number, sector_number), MEMBER(segments, seg)),
            STRUCTURE(BlockResponse, blkif_response,
                MEMBER(id, id), MEMBER(operation, operation), PADDING(pad0), MEMBER(status, status), PADDING(pad1)),
        },
    };
}

inline Table io_console_table()
{
    return {
        .header = "io/console.hpp",
        .values = {},
        .structures = {
            SHARED_PAGE(ConsoleInterface, xencons_interface,
                MEMBER(in, in), MEMBER(out, out), MEMBER(in_consumer, in_cons), MEMBER(in_producer, in_prod),
                MEMBER(out_consumer, out_cons), MEMBER(out_producer, out_prod)),
        },
    };
}

inline Table io_network_table()
{
    return {
        .header = "io/network.hpp",
        .values = {
            VALUE(network_tx_flag::checksum_blank, NETTXF_csum_blank),
            VALUE(network_tx_flag::data_validated, NETTXF_data_validated),
            VALUE(network_tx_flag::more_data, NETTXF_more_data),
            VALUE(network_tx_flag::extra_info, NETTXF_extra_info),
            VALUE(network_rx_flag::data_validated, NETRXF_data_validated),
            VALUE(network_rx_flag::checksum_blank, NETRXF_csum_blank),
            VALUE(network_rx_flag::more_data, NETRXF_more_data),
            VALUE(network_rx_flag::extra_info, NETRXF_extra_info),
            VALUE(network_rx_flag::gso_prefix, NETRXF_gso_prefix),
            VALUE(NetworkStatus::Dropped, NETIF_RSP_DROPPED),
            VALUE(NetworkStatus::Error, NETIF_RSP_ERROR),
            VALUE(NetworkStatus::Okay, NETIF_RSP_OKAY),
            VALUE(NetworkStatus::Null, NETIF_RSP_NULL),
        },
        .structures = {
            STRUCTURE(NetworkTxRequest, netif_tx_request,
                MEMBER(reference, gref), MEMBER(offset, offset), MEMBER(flags, flags), MEMBER(id, id),
                MEMBER(size, size)),
            STRUCTURE(NetworkTxResponse, netif_tx_response,
                MEMBER(id, id), MEMBER(status, status)),
            STRUCTURE(NetworkRxRequest, netif_rx_request,
                MEMBER(id, id), MEMBER(pad, pad), MEMBER(reference, gref)),
            STRUCTURE(NetworkRxResponse, netif_rx_response,
                MEMBER(id, id), MEMBER(offset, offset), MEMBER(flags, flags), MEMBER(status, status)),
        },
    };
}

inline Table io_xenstore_table()
{
    return {
        .header = "io/xenstore.hpp",
        .values = {
            VALUE(XenstoreMessageType::Control, XS_CONTROL),
            VALUE(XenstoreMessageType::Directory, XS_DIRECTORY),
            VALUE(XenstoreMessageType::Read, XS_READ),
            VALUE(XenstoreMessageType::GetPermissions, XS_GET_PERMS),
            VALUE(XenstoreMessageType::Watch, XS_WATCH),
            VALUE(XenstoreMessageType::Unwatch, XS_UNWATCH),
            VALUE(XenstoreMessageType::TransactionStart, XS_TRANSACTION_START),
            VALUE(XenstoreMessageType::TransactionEnd, XS_TRANSACTION_END),
            VALUE(XenstoreMessageType::Introduce, XS_INTRODUCE),
            VALUE(XenstoreMessageType::Release, XS_RELEASE),
            VALUE(XenstoreMessageType::GetDomainPath, XS_GET_DOMAIN_PATH),
            VALUE(XenstoreMessageType::Write, XS_WRITE),
            VALUE(XenstoreMessageType::MakeDirectory, XS_MKDIR),
            VALUE(XenstoreMessageType::Remove, XS_RM),
            VALUE(XenstoreMessageType::SetPermissions, XS_SET_PERMS),
            VALUE(XenstoreMessageType::WatchEvent, XS_WATCH_EVENT),
            VALUE(XenstoreMessageType::Error, XS_ERROR),
            VALUE(XenstoreMessageType::IsDomainIntroduced, XS_IS_DOMAIN_INTRODUCED),
            VALUE(XenstoreMessageType::Resume, XS_RESUME),
            VALUE(XenstoreMessageType::SetTarget, XS_SET_TARGET),
            VALUE(XenstoreMessageType::ResetWatches, XS_RESET_WATCHES),
            VALUE(XenstoreMessageType::DirectoryPart, XS_DIRECTORY_PART),
            VALUE(xenstore_ring_size, XENSTORE_RING_SIZE),
            VALUE(xenstore_payload_max, XENSTORE_PAYLOAD_MAX),
            VALUE(xenstore_absolute_path_max, XENSTORE_ABS_PATH_MAX),
            VALUE(xenstore_relative_path_max, XENSTORE_REL_PATH_MAX),
            VALUE(XenbusState::Unknown, XenbusStateUnknown),
            VALUE(XenbusState::Initialising, XenbusStateInitialising),
            VALUE(XenbusState::InitWait, XenbusStateInitWait),
            VALUE(XenbusState::Initialised, XenbusStateInitialised),
            VALUE(XenbusState::Connected, XenbusStateConnected),
            VALUE(XenbusState::Closing, XenbusStateClosing),
            VALUE(XenbusState::Closed, XenbusStateClosed),
            VALUE(XenbusState::Reconfiguring, XenbusStateReconfiguring),
            VALUE(XenbusState::Reconfigured, XenbusStateReconfigured),
        },
        .structures = {
            STRUCTURE(XenstoreMessage, xsd_sockmsg,
                MEMBER(type, type), MEMBER(request_id, req_id), MEMBER(transaction_id, tx_id), MEMBER(length, len)),
            SHARED_PAGE(XenstoreInterface, xenstore_domain_interface,
                MEMBER(requests, req), MEMBER(responses, rsp), MEMBER(request_consumer, req_cons),
                MEMBER(request_producer, req_prod), MEMBER(response_consumer, rsp_cons),
                MEMBER(response_producer, rsp_prod), MEMBER(server_features, server_features),
                MEMBER(connection, connection), MEMBER(error, error)),
        },
    };
}

// clang-format on

inline std::vector<Table> io_tables()
{
    return {io_block_table(), io_console_table(), io_network_table(), io_xenstore_table()};
}

}
