// SPDX-License-Identifier: MIT
/// The toolstack's calls, with the worst arguments they can have.
#pragma once

#include <string_view>

namespace hospes::test {

/// Domains that are built, looked at and destroyed.
void measure_domains();

/// Questions about the whole machine, with many domains in it.
void measure_machine();

/// A question about ports, when all are in use. `name` is what is printed.
void measure_ports(std::string_view name);

}
