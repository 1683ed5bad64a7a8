// SPDX-License-Identifier: MIT
/// dom0's kernel command line, from what the loader and the administrator gave.
#pragma once

#include <span>
#include <string_view>

#include "kernel/lib/error.hpp"

namespace hospes::dom0 {

struct CommandLineParts {
    std::string_view module_text{}; ///< the kernel module's string, as the loader gave it
    std::string_view loader_name{};
    std::string_view appended{};       ///< what followed " -- " in the hypervisor's own command line
    bool force_bounce_buffers = false; ///< no IOMMU: devices must not be told of other domains' memory
};

/// The command line, put together in `buffer`. GRUB 2 leaves a module's file name out, other loaders do not; Debian's
/// GRUB scripts put the word "placeholder" in its place. TooBig if it does not fit.
[[nodiscard]] Expected<std::string_view> make_command_line(std::span<char> buffer, CommandLineParts const& parts);

}
