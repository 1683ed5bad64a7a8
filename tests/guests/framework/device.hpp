// SPDX-License-Identifier: MIT
/// What block and network front-ends have in common: their folder in xenstore, and who serves them.
#pragma once

#include <optional>
#include <string_view>

#include "tests/guests/framework/xenstore.hpp"

namespace hospes::test {

struct Device {
    xenstore::Path folder;  ///< device/vbd/51712
    xenstore::Path backend; ///< /local/domain/0/backend/vbd/5/51712
    u16 backend_domain = 0;
    u64 handle = 0;
};

/// The first device of `kind` ("vbd", "vif") the toolstack gave us.
[[nodiscard]] std::optional<Device> find_device(std::string_view kind);

}
