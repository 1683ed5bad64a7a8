// SPDX-License-Identifier: MIT
/// For tests of what is logged.
#pragma once

#include <string>

namespace hospes::fakes {

/// While it lives, what this thread logs is added to `text`, a line each. One at a time.
class LogListener {
public:
    LogListener();
    ~LogListener();
    LogListener(LogListener const&) = delete;
    LogListener& operator=(LogListener const&) = delete;

    std::string text;
};

}
