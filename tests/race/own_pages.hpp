// SPDX-License-Identifier: MIT
/// Hospes and a guest write to the same pages of the guest.
#pragma once

namespace hospes::race {

/// Lets both write as fast as they can, for a moment. False if the guest could not be made to.
[[nodiscard]] bool write_where_guests_do();

}
