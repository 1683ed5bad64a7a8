// SPDX-License-Identifier: MIT
/// A network front-end that sends and receives raw Ethernet frames (xen/include/public/io/netif.h), and
/// the little of ARP and ICMP that it takes to be pinged.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "kernel/abi/xen/io/network.hpp"
#include "tests/guests/framework/device.hpp"

namespace hospes::test {

using HardwareAddress = std::array<u8, 6>;
using InternetAddress = std::array<u8, 4>;

class NetworkDevice {
public:
    /// Connects to the first interface; empty if there is none or its backend does not answer.
    [[nodiscard]] static std::optional<NetworkDevice> connect();

    [[nodiscard]] HardwareAddress const& hardware_address() const { return hardware_address_; }

    bool send(std::span<u8 const> frame);

    /// The next frame, waiting at most until `deadline`. It lasts until the next call.
    [[nodiscard]] std::span<u8> receive(u64 deadline);

private:
    static constexpr u32 receive_buffers = 32;

    NetworkDevice(Device const& device, xen::NetworkTxRing& transmit, xen::NetworkRxRing& receive)
        : device_{device}, transmit_{transmit}, receive_{receive}
    {}
    bool announce(u32 transmit_reference, u32 receive_reference);
    void offer_buffer(u16 index);
    void read_hardware_address();

    Device device_;
    xen::FrontRing<xen::NetworkTxRequest, xen::NetworkTxResponse> transmit_;
    xen::FrontRing<xen::NetworkRxRequest, xen::NetworkRxResponse> receive_;
    HardwareAddress hardware_address_{};
    u32 port_ = 0;
    u8* transmit_page_ = nullptr;
    u32 transmit_page_reference_ = 0;
    u8* receive_pages_ = nullptr;
    std::array<u32, receive_buffers> receive_references_{};
    std::optional<u16> lent_;
};

struct Served {
    u32 address_requests = 0;
    u32 pings = 0;
};

/// Answers ARP requests for `own` and pings to it until `deadline` or until `pings` were answered.
Served answer_pings(NetworkDevice& device, InternetAddress own, u32 pings, u64 deadline);

}
