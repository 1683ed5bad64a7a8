// SPDX-License-Identifier: MIT
/// Answers to ARP (RFC 826) and to ICMP echo (RFC 792), made in place in the frame that asked.

#include <algorithm>
#include <bit>
#include <cstring>

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/network.hpp"

namespace hospes::test {
namespace {

constexpr u16 arp_type = 0x0806, ipv4_type = 0x0800;
constexpr u16 arp_request = 1, arp_reply = 2;
constexpr u8 icmp_protocol = 1, echo_request = 8, echo_reply = 0;

struct [[gnu::packed]] Ethernet {
    HardwareAddress destination;
    HardwareAddress source;
    u16 type;
};
struct [[gnu::packed]] Arp {
    u16 hardware, protocol;
    u8 hardware_length, protocol_length;
    u16 operation;
    HardwareAddress sender;
    InternetAddress sender_address;
    HardwareAddress target;
    InternetAddress target_address;
};
struct [[gnu::packed]] Ipv4 {
    u8 version_and_length, service;
    u16 length, id, fragment;
    u8 lifetime, protocol;
    u16 checksum;
    InternetAddress source, destination;
};
struct [[gnu::packed]] Icmp {
    u8 type, code;
    u16 checksum;
};
static_assert(sizeof(Ethernet) == 14 && sizeof(Arp) == 28 && sizeof(Ipv4) == 20 && sizeof(Icmp) == 4);

constexpr u16 network_order(u16 value) { return std::byteswap(value); }

/// RFC 1071.
u16 checksum(std::span<u8 const> bytes)
{
    u32 sum = 0;
    for (size_t i = 0; i < bytes.size(); i += 2) {
        u32 low = i + 1 < bytes.size() ? bytes[i + 1] : 0;
        sum += (u32{bytes[i]} << 8) | low;
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return network_order(static_cast<u16>(~sum));
}

template <typename Header>
Header* header_at(std::span<u8> frame, size_t offset)
{
    return frame.size() < offset + sizeof(Header) ? nullptr : reinterpret_cast<Header*>(frame.data() + offset);
}

void turn_around(Ethernet& ethernet, HardwareAddress const& own)
{
    ethernet.destination = ethernet.source;
    ethernet.source = own;
}

bool answer_arp(NetworkDevice& device, std::span<u8> frame, InternetAddress own)
{
    auto* arp = header_at<Arp>(frame, sizeof(Ethernet));
    if (arp == nullptr || arp->operation != network_order(arp_request) || arp->target_address != own) return false;
    turn_around(*header_at<Ethernet>(frame, 0), device.hardware_address());
    arp->operation = network_order(arp_reply);
    arp->target = arp->sender;
    arp->target_address = arp->sender_address;
    arp->sender = device.hardware_address();
    arp->sender_address = own;
    return device.send(frame.first(sizeof(Ethernet) + sizeof(Arp)));
}

bool answer_echo(NetworkDevice& device, std::span<u8> frame, InternetAddress own)
{
    auto* ip = header_at<Ipv4>(frame, sizeof(Ethernet));
    if (ip == nullptr || ip->protocol != icmp_protocol || ip->destination != own) return false;
    size_t header = size_t{ip->version_and_length & 0xfu} * 4;
    size_t length = network_order(ip->length);
    if (header < sizeof(Ipv4) || length < header + sizeof(Icmp) || frame.size() < sizeof(Ethernet) + length)
        return false;
    auto* icmp = header_at<Icmp>(frame, sizeof(Ethernet) + header);
    if (icmp->type != echo_request) return false;
    turn_around(*header_at<Ethernet>(frame, 0), device.hardware_address());
    ip->destination = ip->source;
    ip->source = own;
    icmp->type = echo_reply;
    icmp->checksum = 0;
    icmp->checksum = checksum(frame.subspan(sizeof(Ethernet) + header, length - header));
    return device.send(frame.first(sizeof(Ethernet) + length));
}

}

Served answer_pings(NetworkDevice& device, InternetAddress own, u32 pings, u64 deadline)
{
    Served served{};
    while (now() < deadline && served.pings < pings) {
        auto frame = device.receive(deadline);
        auto* ethernet = header_at<Ethernet>(frame, 0);
        if (ethernet == nullptr) continue;
        if (ethernet->type == network_order(arp_type)) {
            served.address_requests += answer_arp(device, frame, own) ? 1 : 0;
        } else if (ethernet->type == network_order(ipv4_type)) {
            served.pings += answer_echo(device, frame, own) ? 1 : 0;
        }
    }
    return served;
}

}
