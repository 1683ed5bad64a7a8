// SPDX-License-Identifier: MIT
/// What refuse_to_boot() shows besides its message.
#pragma once

namespace hospes {

/// `report` is called first, to show the platform verdict. It must only log.
void at_refusal(void (*report)());

}
