// SPDX-License-Identifier: MIT
/// A xenstore client over the guest's ring: one request at a time, watch events kept until asked for.
/// Views that are returned point into the client's buffer and last until the next request.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/abi/xen/io/xenstore.hpp"
#include "kernel/lib/error.hpp"
#include "tests/guests/framework/text.hpp"

namespace hospes::test::xenstore {

using Path = Text<128>;

/// Finds the ring. False in dom0, and where the toolstack gave none.
bool open();

Expected<std::string_view> read(std::string_view path, u32 transaction = 0);
Expected<u64> read_number(std::string_view path);
Expected<> write(std::string_view path, std::string_view value, u32 transaction = 0);
Expected<> write_number(std::string_view path, u64 value);
Expected<> remove(std::string_view path, u32 transaction = 0);

/// The children's names, each ended by a NUL.
Expected<std::string_view> list(std::string_view path);

Expected<> watch(std::string_view path, std::string_view token);
Expected<> unwatch(std::string_view path, std::string_view token);

Expected<u32> begin_transaction();
/// Error::TryAgain if something it read has changed.
Expected<> end_transaction(u32 transaction, bool commit);

struct WatchEvent {
    Text<128> path;
    Text<64> token;
};
/// The next watch event, waiting for it at most `timeout_ns`.
std::optional<WatchEvent> next_event(u64 timeout_ns);

/// Waits until the device end at `path` (its folder) is in `state`; false after `timeout_ns`.
bool wait_for_state(std::string_view folder, xen::XenbusState state, u64 timeout_ns);
Expected<> set_state(std::string_view folder, xen::XenbusState state);

}
