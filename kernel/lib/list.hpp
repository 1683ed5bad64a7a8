// SPDX-License-Identifier: MIT
/// Intrusive doubly linked list: linking cannot fail, and one object can be on several lists.
#pragma once

namespace hospes {

template <typename T>
struct ListHook {
    T* next = nullptr;
    T* previous = nullptr;
    bool linked = false;
};

/// A list of `T` through the member `hook`. It does not hold what is on it; the caller's lock protects it.
template <typename T, ListHook<T> T::* hook>
class List {
public:
    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    [[nodiscard]] T* first() const { return first_; }
    [[nodiscard]] T* last() const { return last_; }
    [[nodiscard]] static T* next(T const& item) { return (item.*hook).next; }
    [[nodiscard]] static bool contains(T const& item) { return (item.*hook).linked; }

    void push_back(T& item) { insert_before(nullptr, item); }
    void push_front(T& item) { insert_before(first_, item); }

    /// Links `item` in front of `position`; at the end if that is null.
    void insert_before(T* position, T& item)
    {
        ListHook<T>& h = item.*hook;
        h.next = position;
        h.previous = position ? (position->*hook).previous : last_;
        (h.previous ? (h.previous->*hook).next : first_) = &item;
        (position ? (position->*hook).previous : last_) = &item;
        h.linked = true;
    }

    void remove(T& item)
    {
        ListHook<T>& h = item.*hook;
        // The analyzer takes first_ for the item that was popped and deleted before.
        (h.previous ? (h.previous->*hook).next : first_) = h.next; // NOLINT(clang-analyzer-cplusplus.NewDelete)
        (h.next ? (h.next->*hook).previous : last_) = h.previous;
        h = {};
    }

    T* pop_front()
    {
        T* item = first_;
        if (item) remove(*item); // NOLINT(clang-analyzer-cplusplus.NewDelete)
        return item;
    }

private:
    T* first_ = nullptr;
    T* last_ = nullptr;
};

}
