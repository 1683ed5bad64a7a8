// SPDX-License-Identifier: MIT
/// The FIFO event ABI, with as much as a domain can have of it.
#pragma once

namespace hospes::test {

/// The last to be measured: it takes up the other ABI.
void measure_fifo_events();

}
