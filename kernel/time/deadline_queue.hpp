// SPDX-License-Identifier: MIT
/// Timers ordered by deadline: a pairing heap whose links are in the timers, so nothing is ever allocated.
///
///     earliest ──► child ──► next ──► next         `child`     first of the heaps below
///                    │                             `next`      the following sibling
///                    └─► child ──► next            `previous`  the sibling before, or the parent of a first child
///
/// Inserting is one comparison; taking the earliest is O(log n) amortised, and so is removing any other.
/// (M. Fredman et al., "The pairing heap", Algorithmica 1, 1986.)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

/// What a queued object embeds.
struct DeadlineNode {
    u64 deadline = 0; ///< nanoseconds of system time
    DeadlineNode* child = nullptr;
    DeadlineNode* next = nullptr;
    DeadlineNode* previous = nullptr;
};

class DeadlineQueue {
public:
    [[nodiscard]] bool empty() const { return root_ == nullptr; }
    [[nodiscard]] DeadlineNode* earliest() const { return root_; }

    void insert(DeadlineNode& node)
    {
        node.child = node.next = node.previous = nullptr;
        root_ = meld(root_, &node);
    }

    /// Takes `node` out; it must be in this queue.
    void remove(DeadlineNode& node)
    {
        DeadlineNode* const below = meld_siblings(node.child);
        if (&node == root_) {
            root_ = below;
        } else {
            unlink(node);
            root_ = meld(root_, below);
        }
        node.child = node.next = node.previous = nullptr;
    }

private:
    /// The later of two heaps becomes the first child of the earlier. Both are without siblings.
    static DeadlineNode* meld(DeadlineNode* a, DeadlineNode* b)
    {
        if (!a) return b;
        if (!b) return a;
        if (b->deadline < a->deadline) {
            DeadlineNode* const earlier = b;
            b = a;
            a = earlier;
        }
        b->next = a->child;
        b->previous = a;
        if (b->next) b->next->previous = b;
        a->child = b;
        return a;
    }

    /// Joins a list of siblings into one heap: in pairs from the left, then the pairs from the right.
    static DeadlineNode* meld_siblings(DeadlineNode* first)
    {
        DeadlineNode* pairs = nullptr; // linked by `next`, last pair first
        while (first) {
            DeadlineNode* const second = first->next;
            DeadlineNode* const rest = second ? second->next : nullptr;
            detach(*first);
            if (second) detach(*second);
            DeadlineNode* const pair = meld(first, second);
            pair->next = pairs;
            pairs = pair;
            first = rest;
        }
        DeadlineNode* result = nullptr;
        while (pairs) {
            DeadlineNode* const rest = pairs->next;
            detach(*pairs);
            result = meld(result, pairs);
            pairs = rest;
        }
        return result;
    }

    static void detach(DeadlineNode& node) { node.next = node.previous = nullptr; }

    /// Takes a node that is not the root, with the heap below it, out of its list of siblings.
    static void unlink(DeadlineNode& node)
    {
        if (node.previous->child == &node)
            node.previous->child = node.next;
        else
            node.previous->next = node.next;
        if (node.next) node.next->previous = node.previous;
    }

    DeadlineNode* root_ = nullptr;
};

}
