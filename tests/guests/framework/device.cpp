// SPDX-License-Identifier: MIT
/// Looking a device up.

#include "tests/guests/framework/device.hpp"

namespace hospes::test {

std::optional<Device> find_device(std::string_view kind)
{
    if (!xenstore::open()) return std::nullopt;
    auto names = xenstore::list(xenstore::Path{}.add("device/", kind));
    if (!names || names->empty()) return std::nullopt;
    Device device{};
    auto first = names->substr(0, names->find('\0'));
    device.handle = number_in(first).value_or(0);
    device.folder.add("device/", kind, "/", first);
    auto backend = xenstore::read(xenstore::Path{}.add(device.folder.view(), "/backend"));
    if (!backend) return std::nullopt;
    device.backend.add(*backend);
    auto domain = xenstore::read_number(xenstore::Path{}.add(device.folder.view(), "/backend-id"));
    device.backend_domain = static_cast<u16>(domain.value_or(0));
    return device;
}

}
