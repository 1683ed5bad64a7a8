// SPDX-License-Identifier: MIT
/// Requests into the ring, replies and watch events out of it. (xen/include/public/io/xs_wire.h)

#include "tests/guests/framework/xenstore.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <initializer_list>

#include "kernel/lib/address.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"

namespace hospes::test::xenstore {
namespace {

using Type = xen::XenstoreMessageType;

constexpr u64 reply_timeout = 20 * second;
constexpr std::string_view end_of_string{"\0", 1};

constinit xen::XenstoreInterface* ring = nullptr;
constinit u32 port = 0;
constinit u32 next_request = 1;

struct Reply {
    xen::XenstoreMessage header;
    std::array<char, xen::xenstore_payload_max> payload;
    [[nodiscard]] std::string_view text() const { return {payload.data(), header.length}; }
};
constinit Reply reply{};

constexpr size_t event_capacity = 16;
constinit std::array<WatchEvent, event_capacity> events{};
constinit size_t event_count = 0;

std::atomic_ref<u32> atomic(u32& index) { return std::atomic_ref<u32>{index}; }

/// Sleeps until the other side rang, or `deadline`.
void wait_for_ring(u64 deadline)
{
    (void)schedule::poll(&port, 1, deadline);
    clear_pending(port);
}

bool send_bytes(std::string_view bytes, u64 deadline)
{
    for (char byte : bytes) {
        while (ring->request_producer - atomic(ring->request_consumer).load() == xen::xenstore_ring_size) {
            if (now() > deadline) return false;
            (void)event_channel::send(port);
            wait_for_ring(deadline);
        }
        ring->requests[ring->request_producer % xen::xenstore_ring_size] = byte;
        atomic(ring->request_producer).store(ring->request_producer + 1);
    }
    return true;
}

bool receive_bytes(char* target, size_t size, u64 deadline)
{
    for (size_t i = 0; i != size; ++i) {
        while (atomic(ring->response_producer).load() == ring->response_consumer) {
            if (now() > deadline) return false;
            (void)event_channel::send(port); // the other side may be waiting for room
            wait_for_ring(deadline);
        }
        target[i] = ring->responses[ring->response_consumer % xen::xenstore_ring_size];
        atomic(ring->response_consumer).store(ring->response_consumer + 1);
    }
    return true;
}

bool receive(u64 deadline)
{
    if (!receive_bytes(reinterpret_cast<char*>(&reply.header), sizeof(reply.header), deadline)) return false;
    if (reply.header.length > reply.payload.size()) return false;
    bool complete = receive_bytes(reply.payload.data(), reply.header.length, deadline);
    (void)event_channel::send(port);
    return complete;
}

void keep_event()
{
    if (event_count == event_capacity) return;
    auto text = reply.text();
    auto path = text.substr(0, text.find('\0'));
    auto token = text.substr(std::min(path.size() + 1, text.size()));
    events[event_count++] = {Text<128>{}.add(path), Text<64>{}.add(token.substr(0, token.find('\0')))};
}

Error error_named(std::string_view name)
{
    struct Named {
        std::string_view name;
        Error error;
    };
    static constexpr Named known[] = {
        {"ENOENT", Error::NotFound}, {"EACCES", Error::AccessDenied},   {"EINVAL", Error::Invalid},
        {"EEXIST", Error::Exists},   {"EAGAIN", Error::TryAgain},       {"ENOSPC", Error::NoSpace},
        {"EBUSY", Error::Busy},      {"ENOSYS", Error::NotImplemented},
    };
    name = name.substr(0, name.find('\0'));
    auto found = std::ranges::find(known, name, &Named::name);
    return found == std::end(known) ? Error::InputOutput : found->error;
}

Expected<std::string_view> request(Type type, u32 transaction, std::initializer_list<std::string_view> pieces)
{
    if (ring == nullptr) return failure(Error::NoSuchDevice);
    auto deadline = now() + reply_timeout;
    u32 length = 0;
    for (auto piece : pieces) length += static_cast<u32>(piece.size());
    xen::XenstoreMessage header{type, next_request++, transaction, length};
    if (!send_bytes({reinterpret_cast<char const*>(&header), sizeof(header)}, deadline)) {
        return failure(Error::TimeExpired);
    }
    for (auto piece : pieces) {
        if (!send_bytes(piece, deadline)) return failure(Error::TimeExpired);
    }
    (void)event_channel::send(port);
    while (receive(deadline)) {
        if (reply.header.type == Type::WatchEvent) {
            keep_event();
        } else if (reply.header.request_id == header.request_id) {
            if (reply.header.type == Type::Error) return failure(error_named(reply.text()));
            return reply.text();
        }
    }
    return failure(Error::TimeExpired);
}

Expected<> without_answer(Expected<std::string_view> const& result)
{
    if (!result) return failure(result.error());
    return {};
}

}

bool open()
{
    if (ring != nullptr) return true;
    auto page = hvm_operation::get_parameter(xen::HvmParamIndex::StorePfn);
    auto channel = hvm_operation::get_parameter(xen::HvmParamIndex::StoreEventChannel);
    if (page.result != 0 || channel.result != 0 || page.value == 0 || channel.value == 0) return false;
    (void)shared_info();
    ring = reinterpret_cast<xen::XenstoreInterface*>(page.value << page_shift);
    port = static_cast<u32>(channel.value);
    return true;
}

Expected<std::string_view> read(std::string_view path, u32 transaction)
{
    return request(Type::Read, transaction, {path, end_of_string});
}

Expected<u64> read_number(std::string_view path)
{
    auto text = read(path);
    if (!text) return failure(text.error());
    auto number = number_in(*text);
    if (!number) return failure(Error::Invalid);
    return *number;
}

Expected<> write(std::string_view path, std::string_view value, u32 transaction)
{
    return without_answer(request(Type::Write, transaction, {path, end_of_string, value}));
}

Expected<> write_number(std::string_view path, u64 value) { return write(path, Text<24>{}.add(value)); }

Expected<> remove(std::string_view path, u32 transaction)
{
    return without_answer(request(Type::Remove, transaction, {path, end_of_string}));
}

Expected<std::string_view> list(std::string_view path) { return request(Type::Directory, 0, {path, end_of_string}); }

Expected<> watch(std::string_view path, std::string_view token)
{
    return without_answer(request(Type::Watch, 0, {path, end_of_string, token, end_of_string}));
}

Expected<> unwatch(std::string_view path, std::string_view token)
{
    return without_answer(request(Type::Unwatch, 0, {path, end_of_string, token, end_of_string}));
}

Expected<u32> begin_transaction()
{
    auto text = request(Type::TransactionStart, 0, {end_of_string});
    if (!text) return failure(text.error());
    auto number = number_in(*text);
    if (!number) return failure(Error::Invalid);
    return static_cast<u32>(*number);
}

Expected<> end_transaction(u32 transaction, bool commit)
{
    return without_answer(request(Type::TransactionEnd, transaction, {commit ? "T" : "F", end_of_string}));
}

std::optional<WatchEvent> next_event(u64 timeout_ns)
{
    auto deadline = now() + timeout_ns;
    while (event_count == 0) {
        if (ring == nullptr || !receive(deadline)) return std::nullopt;
        if (reply.header.type == Type::WatchEvent) keep_event();
    }
    auto first = events[0];
    std::ranges::copy(events.begin() + 1, events.end(), events.begin());
    --event_count;
    return first;
}

bool wait_for_state(std::string_view folder, xen::XenbusState state, u64 timeout_ns)
{
    auto deadline = now() + timeout_ns;
    auto path = Path{}.add(folder, "/state");
    while (now() < deadline) {
        if (auto seen = read_number(path); seen && *seen == static_cast<u64>(state)) return true;
        (void)schedule::poll(nullptr, 0, now() + 20 * millisecond);
    }
    return false;
}

Expected<> set_state(std::string_view folder, xen::XenbusState state)
{
    return write_number(Path{}.add(folder, "/state"), static_cast<u64>(state));
}

}
