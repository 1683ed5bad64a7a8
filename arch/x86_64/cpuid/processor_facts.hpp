// SPDX-License-Identifier: MIT
/// What the platform verdict wants to know about this processor, read from it.
#pragma once

#include "kernel/verdict/processor.hpp"

namespace hospes::arch {

[[nodiscard]] verdict::ProcessorFacts read_processor_facts();

}
