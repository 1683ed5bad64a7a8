// SPDX-License-Identifier: MIT
/// The page-table engine: walks, maps, splits and unmaps; knows no bit layout.
///
///   guest frame   35 ... 27  26 ... 18  17 ... 9   8 ... 0       (index into the table of each level)
///                 level 3    level 2    level 1    level 0
///      root ──▶ [ table ]──▶[ table ]──▶[ table ]──▶[ leaf ]     a leaf at level 0 maps 4 KiB,
///                              └─ leaf: 1 GiB └─ leaf: 2 MiB     at level 1 2 MiB, at level 2 1 GiB
///
/// Every change is one atomic store of one entry, so a reader (the hardware, or lookup() on another CPU) sees the old
/// translation or the new one. Tables stay until nobody can look any more, so readers need no lock. An empty table
/// costs the domain a page of its pool, and a walk over all leaves one step.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>

#include "kernel/mm/second_stage.hpp"

namespace hospes {

/// What a format must supply. Level 0 holds the smallest leaves.
template <typename F>
concept PageTableFormat =
    requires(u64 entry, Hpa where, unsigned level, Access access, MemoryType memory, MappingType type) {
        { F::levels } -> std::convertible_to<unsigned>;
        { F::largest_leaf_level } -> std::convertible_to<unsigned>;
        { F::table(where, level) } -> std::same_as<u64>;                      // refers to the table of level - 1
        { F::leaf(where, level, access, memory, type) } -> std::same_as<u64>; // maps memory at this level
        { F::is_present(entry) } -> std::same_as<bool>;
        { F::is_leaf(entry, level) } -> std::same_as<bool>; // does the walk stop here?
        { F::target(entry, level) } -> std::same_as<Hpa>;   // the memory or table it points at
        { F::access(entry) } -> std::same_as<Access>;
        { F::type(entry) } -> std::same_as<MappingType>;
        { F::smaller(entry, level, Hpa{}) } -> std::same_as<u64>; // the same leaf one level down, at another target
    };

/// Where table pages come from and how they are reached.
template <typename M>
concept TableMemory = requires(M memory, Hpa table) {
    { memory.allocate() } -> std::same_as<Expected<Hpa>>; // a zeroed page, or OutOfMemory at the domain's limit
    { memory.free(table) };
    { memory.reach(table) } -> std::same_as<u64*>;
    { memory.limit() } -> std::same_as<u64>; // in pages
    memory.set_limit(u64{});
};

inline constexpr unsigned index_bits = 9;
inline constexpr u64 entries_per_table = u64{1} << index_bits;
[[nodiscard]] constexpr unsigned order_of(unsigned level) { return level * index_bits; }
[[nodiscard]] constexpr u64 frames_at(unsigned level) { return u64{1} << order_of(level); }

template <PageTableFormat Format, TableMemory Memory>
class PageTable final : public SecondStage {
public:
    /// Leaves lie at this level or below; the CPU, or an administrator, may know fewer sizes than the format.
    explicit PageTable(Memory memory, unsigned largest_leaf_level = Format::largest_leaf_level)
        : memory_{std::move(memory)}, largest_leaf_level_{largest_leaf_level}
    {}
    PageTable(PageTable const&) = delete;
    PageTable& operator=(PageTable const&) = delete;
    /// Most tables are gone by then (free_tables()), except in tests and of domains that were not finished.
    ~PageTable() override
    {
        while (root_) free_one_table();
    }

    /// Once, before anything else: OutOfMemory if there is no page for the root.
    [[nodiscard]] Expected<> initialize()
    {
        auto const table = new_table();
        if (!table) return failure(table.error());
        root_ = *table;
        return {};
    }

    [[nodiscard]] Hpa root() const override { return *root_; }
    [[nodiscard]] unsigned largest_order() const override { return order_of(largest_leaf_level_); }
    [[nodiscard]] Gfn end() const override { return Gfn{end_.load(std::memory_order_relaxed)}; }
    [[nodiscard]] u64 table_pages() const override { return table_pages_.load(std::memory_order_relaxed); }
    [[nodiscard]] u64 table_limit() const override { return memory_.limit(); }
    void set_table_limit(u64 pages) override { memory_.set_limit(pages); }

    [[nodiscard]] Mapping lookup(Gfn where) const override
    {
        if (!in_range(where)) return {};
        Position const at = walk(where);
        return Format::is_present(at.value) ? describe(where, at) : Mapping{};
    }

    [[nodiscard]] Expected<> map(Gfn where, Hfn frame, unsigned order, Access access, MemoryType memory,
                                 MappingType type) override
    {
        unsigned const level = order / index_bits;
        if (!in_range(where) || level > largest_leaf_level_ || order != order_of(level)) return failure(Error::Invalid);
        if (((where.raw() | frame.raw()) & (frames_at(level) - 1)) != 0) return failure(Error::Invalid);
        auto const slot = make_slot(where, level);
        if (!slot) return failure(slot.error());
        if (Format::is_present(load(*slot))) return failure(Error::Exists);
        store(*slot, Format::leaf(address_of(frame), level, access, memory, type));
        note_end(where + frames_at(level));
        return {};
    }

    [[nodiscard]] Expected<u64> map_pages(Gfn where, Hfn frame, u64 count, Access access, MemoryType memory,
                                          MappingType type) override
    {
        if (!in_range(where)) return failure(Error::Invalid);
        auto const slot = make_slot(where, 0);
        if (!slot) return failure(slot.error());
        count = std::min(count, entries_per_table - index(where, 0));
        u64 done = 0;
        for (; done < count && !Format::is_present(load(*slot + done)); ++done)
            store(*slot + done, Format::leaf(address_of(frame + done), 0, access, memory, type));
        if (done == 0) return failure(Error::Exists);
        note_end(where + done);
        return done;
    }

    [[nodiscard]] Expected<Mapping> unmap(Gfn where, unsigned order) override
    {
        if (!in_range(where)) return Mapping{};
        unsigned const level = order / index_bits;
        for (Position at = walk(where); Format::is_present(at.value); at = walk(where)) {
            if (at.level < level) return failure(Error::Invalid); // mapped by smaller leaves
            if (at.level == level) {
                store(at.slot, 0);
                return describe(where, at);
            }
            if (auto const done = split(at); !done) return failure(done.error());
        }
        return Mapping{};
    }

    [[nodiscard]] Step next_leaf(Gfn from) const override
    {
        if (!in_range(from) || from >= end()) return {};
        Position const at = walk(from);
        u64 const step = frames_at(at.level);
        Gfn const start{round_down(from.raw(), step)};
        if (Format::is_present(at.value)) return {describe(start, at), start, start + step};
        u64 empty = 1;
        u64 const left = entries_per_table - index(from, at.level);
        while (empty < left && !Format::is_present(load(at.slot + empty))) ++empty;
        return {.leaf = {}, .where = {}, .next = start + empty * step};
    }

    [[nodiscard]] bool free_tables(Budget& budget) override
    {
        while (root_) {
            free_one_table();
            if (budget.is_spent()) return !root_;
        }
        return true;
    }

private:
    static constexpr unsigned top = Format::levels - 1;

    /// The entry where a walk ends: a leaf, or one that is not present.
    struct Position {
        u64* slot;
        unsigned level;
        u64 value;
    };

    void note_end(Gfn past)
    {
        if (past.raw() > end_.load(std::memory_order_relaxed)) end_.store(past.raw(), std::memory_order_relaxed);
    }
    static bool in_range(Gfn where) { return where.raw() < u64{1} << order_of(Format::levels); }
    static u64 index(Gfn where, unsigned level) { return where.raw() >> order_of(level) & (entries_per_table - 1); }
    static u64 load(u64* slot) { return std::atomic_ref{*slot}.load(std::memory_order_acquire); }
    void store(u64* slot, u64 value)
    {
        std::atomic_ref{*slot}.store(value, std::memory_order_release);
        publish(slot, 1);
    }
    /// For walkers that do not see the CPUs' caches: table memory may have a hook.
    void publish(u64 const* entries, u64 count)
    {
        if constexpr (requires { memory_.written(entries, count); }) memory_.written(entries, count);
    }

    [[nodiscard]] Position walk(Gfn where) const
    {
        Hpa table = *root_;
        for (unsigned level = top;; --level) {
            u64* const slot = memory_.reach(table) + index(where, level);
            u64 const value = load(slot);
            if (level == 0 || !Format::is_present(value) || Format::is_leaf(value, level)) return {slot, level, value};
            table = Format::target(value, level);
        }
    }

    [[nodiscard]] static Mapping describe(Gfn where, Position const& at)
    {
        u64 const offset = where.raw() & (frames_at(at.level) - 1);
        return {.frame = frame_of(Format::target(at.value, at.level)) + offset,
                .type = Format::type(at.value),
                .access = Format::access(at.value),
                .order = order_of(at.level)};
    }

    [[nodiscard]] Expected<Hpa> new_table()
    {
        auto const page = memory_.allocate();
        if (page) table_pages_.fetch_add(1, std::memory_order_relaxed);
        return page;
    }

    /// The entry for `where` in the table of `level`, making tables on the way. Exists under a larger leaf.
    [[nodiscard]] Expected<u64*> make_slot(Gfn where, unsigned level)
    {
        Hpa table = *root_;
        for (unsigned here = top; here > level; --here) {
            u64* const slot = memory_.reach(table) + index(where, here);
            u64 value = load(slot);
            if (Format::is_present(value) && Format::is_leaf(value, here)) return failure(Error::Exists);
            if (!Format::is_present(value)) {
                auto const page = new_table();
                if (!page) return failure(page.error());
                value = Format::table(*page, here);
                store(slot, value);
            }
            table = Format::target(value, here);
        }
        return memory_.reach(table) + index(where, level);
    }

    /// Replaces a leaf by a table of leaves one level down that translate the same.
    [[nodiscard]] Expected<> split(Position const& at)
    {
        auto const page = new_table();
        if (!page) return failure(page.error());
        u64* const entries = memory_.reach(*page);
        Hpa const start = Format::target(at.value, at.level);
        u64 const step = frames_at(at.level - 1) << page_shift;
        for (u64 i = 0; i < entries_per_table; ++i) entries[i] = Format::smaller(at.value, at.level, start + i * step);
        publish(entries, entries_per_table);
        store(at.slot, Format::table(*page, at.level));
        return {};
    }

    /// The first table that has no other below it. `cursors_` keeps it from looking at entries again that it has been
    /// through.
    void free_one_table()
    {
        Hpa table = *root_;
        u64* parent = nullptr;
        for (unsigned level = top; level > 0; --level) {
            u64* const entries = memory_.reach(table);
            u64& cursor = cursors_[level];
            while (cursor < entries_per_table && !is_table(entries[cursor], level)) ++cursor;
            if (cursor == entries_per_table) {
                cursor = 0;
                break;
            }
            parent = &entries[cursor];
            table = Format::target(*parent, level);
        }
        memory_.free(table);
        parent ? * parent = 0 : (root_.reset(), u64{0});
    }
    static bool is_table(u64 entry, unsigned level)
    {
        return Format::is_present(entry) && !Format::is_leaf(entry, level);
    }

    Memory memory_;
    unsigned const largest_leaf_level_;
    std::optional<Hpa> root_;
    std::atomic<u64> end_{0};
    std::atomic<u64> table_pages_{0};
    std::array<u64, Format::levels> cursors_{}; ///< of free_one_table(), by level
};

}
