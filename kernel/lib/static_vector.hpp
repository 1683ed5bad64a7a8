// SPDX-License-Identifier: MIT
/// A vector with a fixed capacity and no allocation.
#pragma once

#include <array>
#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes {

template <typename T, size_t capacity_>
class StaticVector {
public:
    static constexpr size_t capacity = capacity_;

    [[nodiscard]] constexpr size_t size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    [[nodiscard]] constexpr bool full() const { return size_ == capacity_; }

    /// False, and nothing changed, when full.
    [[nodiscard]] constexpr bool push_back(T const& value)
    {
        if (full()) return false;
        items_[size_++] = value;
        return true;
    }
    constexpr void pop_back() { --size_; }
    constexpr void clear() { size_ = 0; }
    constexpr void erase(size_t index)
    {
        for (size_t i = index; i + 1 < size_; ++i) items_[i] = items_[i + 1];
        --size_;
    }
    /// False, and nothing changed, when full.
    [[nodiscard]] constexpr bool insert(size_t index, T const& value)
    {
        if (full()) return false;
        for (size_t i = size_; i > index; --i) items_[i] = items_[i - 1];
        items_[index] = value;
        ++size_;
        return true;
    }

    constexpr T& operator[](size_t index) { return items()[index]; }
    constexpr T const& operator[](size_t index) const { return items()[index]; }
    [[nodiscard]] constexpr std::span<T> items() { return std::span<T>{items_}.first(size_); }
    [[nodiscard]] constexpr std::span<T const> items() const { return std::span<T const>{items_}.first(size_); }
    constexpr T* begin() { return items_.data(); }
    constexpr T* end() { return items_.data() + size_; }
    constexpr T const* begin() const { return items_.data(); }
    constexpr T const* end() const { return items_.data() + size_; }

private:
    std::array<T, capacity_> items_{};
    size_t size_ = 0;
};

}
