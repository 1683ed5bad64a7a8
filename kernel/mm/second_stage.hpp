// SPDX-License-Identifier: MIT
/// A domain's translation from guest-physical to host-physical memory (EPT or NPT), seen without its format.
#pragma once

#include <concepts>
#include <memory>
#include <optional>

#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/time/budget.hpp"

namespace hospes {

struct Access {
    bool read = false;
    bool write = false;
    bool execute = false;
    constexpr bool operator==(Access const&) const = default;
};
inline constexpr Access read_write_execute{true, true, true};
inline constexpr Access read_write{true, true, false};
inline constexpr Access read_only{true, false, false};

enum class MemoryType : u8 { Uncacheable, WriteCombining, WriteThrough, WriteProtected, WriteBack };

/// Why a guest frame is mapped. Kept in four bits of the entry that the hardware ignores.
enum class MappingType : u8 {
    None,
    Ram,           ///< the domain's own memory
    Foreign,       ///< another domain's memory, mapped by the control domain
    GrantWritable, ///< another domain's memory, mapped by grant
    GrantReadOnly,
    Special, ///< a page the hypervisor shares: shared info, grant table
    Device,  ///< device registers or firmware memory; has no frame record
};

/// Several of them: what somebody may take out of a map, for instance.
class MappingTypes {
public:
    constexpr MappingTypes(std::same_as<MappingType> auto... types) : bits_{static_cast<u16>((0u | ... | bit(types)))}
    {}
    [[nodiscard]] constexpr bool has(MappingType type) const { return (bits_ & bit(type)) != 0; }

private:
    static constexpr u32 bit(MappingType type) { return 1u << static_cast<u8>(type); }
    u16 bits_;
};

/// Does the mapping hold a reference on its frame?
[[nodiscard]] constexpr bool is_counted(MappingType type)
{
    return type != MappingType::None && type != MappingType::Device;
}

struct Mapping {
    Hfn frame{}; ///< the host frame behind the guest frame that was asked for
    MappingType type = MappingType::None;
    Access access{};
    unsigned order = 0; ///< size of the leaf that maps it: 0, 9 or 18
};

/// Lock-free for readers; writers are serialised by the physmap's lock. Entries change atomically, tables are freed
/// only when no reader is left. Implemented by EPT and NPT as PageTable<Format> (kernel/mm/page_table.hpp).
class SecondStage {
public:
    virtual ~SecondStage() = default;
    /// The value for the hardware's root register (nested CR3; the EPT pointer without its attribute bits).
    [[nodiscard]] virtual Hpa root() const = 0;
    [[nodiscard]] virtual Mapping lookup(Gfn where) const = 0;
    /// Maps 2^order frames; order is 0, 9 or 18 and at most largest_order(), both numbers are aligned to it. Exists if
    /// anything is mapped there, or a table is in the way of a large leaf; OutOfMemory if no table page is left;
    /// Invalid beyond the addresses that the tables reach. With each of them nothing has changed.
    [[nodiscard]] virtual Expected<> map(Gfn where, Hfn frame, unsigned order, Access access, MemoryType memory,
                                         MappingType type) = 0;
    /// Maps up to `count` frames by the smallest leaves, as many of them as lie in one table: one walk for all. Returns
    /// how many. Exists if the first is mapped; it ends before any other that is. OutOfMemory and Invalid
    /// as above.
    [[nodiscard]] virtual Expected<u64> map_pages(Gfn where, Hfn frame, u64 count, Access access, MemoryType memory,
                                                  MappingType type) = 0;
    /// Removes the mapping of exactly 2^order frames, splitting a larger leaf first. Returns what was there
    /// (MappingType::None if nothing). OutOfMemory if a split found no table page, Invalid if smaller leaves map some
    /// of them; nothing changed.
    [[nodiscard]] virtual Expected<Mapping> unmap(Gfn where, unsigned order) = 0;
    /// The first leaf at or above `from`, and where to look on; it looks at one run of empty entries in one table.
    struct Step {
        Mapping leaf{}; ///< of type None: there was none in this step
        Gfn where{};    ///< of the leaf
        std::optional<Gfn> next{};
    };
    [[nodiscard]] virtual Step next_leaf(Gfn from) const = 0;
    /// Frees tables until the budget is spent; true when none is left. The last thing that happens to it: nobody may
    /// look any more, neither a CPU nor the hardware.
    [[nodiscard]] virtual bool free_tables(Budget& budget) = 0;
    /// Of the largest leaf: 0, 9 or 18.
    [[nodiscard]] virtual unsigned largest_order() const = 0;
    /// One above the highest guest frame ever mapped.
    [[nodiscard]] virtual Gfn end() const = 0;
    /// Pages of table memory in use.
    [[nodiscard]] virtual u64 table_pages() const = 0;
    /// The most pages of table memory it may use. A limit below what is in use only stops growth.
    [[nodiscard]] virtual u64 table_limit() const = 0;
    virtual void set_table_limit(u64 pages) = 0;
};

}
