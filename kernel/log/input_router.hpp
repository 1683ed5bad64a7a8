// SPDX-License-Identifier: MIT
/// Who gets what is typed, and the queue in front of dom0.
#pragma once

#include <array>
#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes {

class InputRouter {
public:
    enum class Outcome : u8 {
        Queued,    ///< waits for dom0
        DebugKey,  ///< is for the hypervisor
        Switched,  ///< was the third switch character
        Swallowed, ///< was the first or second switch character, or there is no room
    };
    static constexpr char switch_character = 'A' - '@'; // Ctrl-A
    static constexpr unsigned switch_count = 3;

    Outcome receive(char character)
    {
        if (character == switch_character) return receive_switch();
        if (!to_domain_) {
            switches_seen_ = 0;
            return Outcome::DebugKey;
        }
        // Fewer than three were meant for dom0 after all.
        for (; switches_seen_ != 0; --switches_seen_) static_cast<void>(queue(switch_character));
        return queue(character) ? Outcome::Queued : Outcome::Swallowed;
    }

    size_t read(std::span<char> out)
    {
        size_t count = 0;
        while (count < out.size() && taken_ != queued_) out[count++] = queue_[taken_++ % queue_.size()];
        return count;
    }

    [[nodiscard]] bool belongs_to_domain() const { return to_domain_; }

private:
    Outcome receive_switch()
    {
        if (++switches_seen_ < switch_count) return Outcome::Swallowed;
        switches_seen_ = 0;
        to_domain_ = !to_domain_;
        return Outcome::Switched;
    }
    bool queue(char character)
    {
        if (queued_ - taken_ == queue_.size()) return false;
        queue_[queued_++ % queue_.size()] = character;
        return true;
    }

    std::array<char, 1024> queue_{};
    u32 queued_ = 0;
    u32 taken_ = 0;
    unsigned switches_seen_ = 0;
    bool to_domain_ = true;
};

}
