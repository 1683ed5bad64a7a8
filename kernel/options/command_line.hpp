// SPDX-License-Identifier: MIT
/// The hypervisor's command line. Names and values are Xen's (docs/misc/xen-command-line.pandoc).
#pragma once

#include <span>
#include <string_view>

#include "kernel/lib/function_ref.hpp"
#include "kernel/options/options.hpp"

namespace hospes {

/// What was asked for; the defaults until adopt_options().
[[nodiscard]] Options const& options();
void adopt_options(Options const& wanted);

/// Something on the command line that has no effect, and why.
struct OptionComplaint {
    std::string_view option;   ///< as written
    std::string_view expected; ///< what a value should look like; empty if the name is unknown
};

/// Called for each complaint, in order.
using ComplaintHandler = FunctionRef<void(OptionComplaint)>;

/// Parses `line`, which stays referenced. Unknown options and bad values are reported and leave the default.
[[nodiscard]] Options parse_options(std::string_view line, ComplaintHandler complain);

struct OptionHelp {
    std::string_view name;
    std::string_view values;
    std::string_view help;
};
/// One row of the table of options; known-but-ignored ones have no help. False behind the last.
[[nodiscard]] bool option_help(size_t index, OptionHelp& row);

/// What the boot loader gave, without what some loaders put in front (the file name, or the word `placeholder`
/// of Debian's GRUB scripts). A loader that calls itself "GRUB 2..." drops the file name itself.
[[nodiscard]] std::string_view strip_image_name(std::string_view line, std::string_view loader_name);

}
