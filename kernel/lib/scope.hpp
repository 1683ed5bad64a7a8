// SPDX-License-Identifier: MIT
/// Undo by scope.
#pragma once

#include <utility>

namespace hospes {

/// Runs `action` when the scope ends, unless dismissed.
template <typename Action>
class [[nodiscard]] ScopeExit {
public:
    explicit ScopeExit(Action action) : action_{std::move(action)} {}
    ScopeExit(ScopeExit const&) = delete;
    ScopeExit& operator=(ScopeExit const&) = delete;
    ~ScopeExit()
    {
        if (armed_) action_();
    }
    void dismiss() { armed_ = false; }

private:
    Action action_;
    bool armed_ = true;
};

}
