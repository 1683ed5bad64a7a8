// SPDX-License-Identifier: MIT
/// The event that the next entry delivers, and one that had to step aside for it.
///
/// An exception comes from what the guest's own instruction did, so it cannot wait; an interrupt or NMI can, until the
/// guest may take it. Nothing is lost.
#pragma once

#include <optional>
#include <utility>

#include "arch/x86_64/guest/exit.hpp"

namespace hospes::vmx {

class EventQueue {
public:
    void add(arch::Event event)
    {
        if (next_ && next_->kind != arch::Event::Kind::Exception) postponed_ = next_;
        next_ = event;
    }
    [[nodiscard]] bool is_empty() const { return !next_ && !postponed_; }
    [[nodiscard]] std::optional<arch::Event> most_urgent() const { return next_ ? next_ : postponed_; }

    /// Takes out an interrupt or NMI, if there is one.
    [[nodiscard]] std::optional<arch::Event> take_back()
    {
        for (std::optional<arch::Event>* const place : {&postponed_, &next_})
            if (*place && (*place)->kind != arch::Event::Kind::Exception) return std::exchange(*place, std::nullopt);
        return std::nullopt;
    }

    /// What this entry delivers. The one that was put aside has its turn if nothing else is due and the guest can
    /// take it. An interrupt that was waiting when the guest was saved waits here as well.
    [[nodiscard]] std::optional<arch::Event> take(bool can_take_interrupt, bool can_take_nmi)
    {
        if (next_ && next_->kind == arch::Event::Kind::Interrupt && !can_take_interrupt && !postponed_)
            postponed_ = std::exchange(next_, std::nullopt);
        bool const is_nmi = postponed_ && postponed_->kind == arch::Event::Kind::Nmi;
        if (!next_ && postponed_ && (is_nmi ? can_take_nmi : can_take_interrupt))
            return std::exchange(postponed_, std::nullopt);
        return std::exchange(next_, std::nullopt);
    }
    /// After take(): what still waits, and needs a window.
    [[nodiscard]] std::optional<arch::Event> const& waiting() const { return postponed_; }

private:
    std::optional<arch::Event> next_;
    std::optional<arch::Event> postponed_;
};

}
