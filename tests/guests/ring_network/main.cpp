// SPDX-License-Identifier: MIT
/// Rule: frames go out and come in through the network rings; a guest can be pinged from dom0.
/// Failure looks like a guest without a network.
///
/// Command line: ip=A.B.C.D (10.0.0.2 otherwise), pings=N to end after N (3 otherwise), seconds=N to give up after
/// (60).

#include "tests/guests/framework/network.hpp"

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

InternetAddress own_address()
{
    InternetAddress address{10, 0, 0, 2};
    auto line = command_line();
    auto where = line.find("ip=");
    if (where == std::string_view::npos) return address;
    auto rest = line.substr(where + 3);
    for (auto& byte : address) {
        byte = static_cast<u8>(number_in(rest).value_or(0));
        rest.remove_prefix(std::min(rest.find('.'), rest.size() - 1) + 1);
    }
    return address;
}

void run()
{
    auto device = NetworkDevice::connect();
    if (!device) return skip("no interface, or its backend does not answer");
    auto own = own_address();
    auto const& mac = device->hardware_address();
    print("ring_network: up at ", own[0], ".", own[1], ".", own[2], ".", own[3], ", hardware address ", hex(mac[0]),
          " ", hex(mac[5]), "\n");
    auto wanted = static_cast<u32>(argument("pings", 3));
    auto served = answer_pings(*device, own, wanted, now() + argument("seconds", 60) * second);
    print("  ", served.address_requests, " address requests, ", served.pings, " pings\n");
    report(served.address_requests > 0, "somebody asked for our address");
    report(served.pings >= wanted, "and pinged us");
}

}

constinit Guest const this_guest{"ring_network", run};

}
