// SPDX-License-Identifier: MIT
/// Small objects: operator new and delete. One page holds objects of one size; a page with none left is given back at
/// once, so that creating and destroying the same things leaves the free memory where it was.
///
///     page: | SlabHeader | object | object | object | ...        larger objects: whole frames
#include <array>
#include <bit>
#include <new>

#include "kernel/arch/memory.hpp"
#include "kernel/lib/list.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/mm/frame_table.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes {

namespace {

struct FreeObject {
    FreeObject* next;
};

struct alignas(16) SlabHeader {
    ListHook<SlabHeader> partial; ///< linked while at least one object is free
    FreeObject* free = nullptr;
    u16 used = 0;
    u16 object_bytes = 0;
};

constexpr std::array<u16, 9> sizes{16, 32, 64, 128, 256, 512, 992, 1344, 2016};
static_assert(sizeof(SlabHeader) + size_t{2} * sizes.back() <= page_size);

class SizeClass {
public:
    [[nodiscard]] void* take(u16 object_bytes)
    {
        SlabHeader* slab = partial_.first();
        if (!slab) slab = grow(object_bytes);
        if (!slab) return nullptr;
        FreeObject* const object = slab->free;
        slab->free = object->next;
        ++slab->used;
        if (!slab->free) partial_.remove(*slab);
        return object;
    }

    void give(SlabHeader& slab, void* memory)
    {
        if (!slab.free) partial_.push_back(slab);
        slab.free = new (memory) FreeObject{slab.free};
        if (--slab.used > 0) return;
        partial_.remove(slab);
        frames::free(frame_of(arch::physical_address(&slab)));
    }

private:
    [[nodiscard]] SlabHeader* grow(u16 object_bytes)
    {
        auto const frame = frames::allocate();
        if (!frame) return nullptr;
        auto* const page = static_cast<u8*>(arch::reach(*frame));
        auto* const slab = new (page) SlabHeader{};
        slab->object_bytes = object_bytes;
        for (u64 at = sizeof(SlabHeader); at + object_bytes <= page_size; at += object_bytes)
            slab->free = new (page + at) FreeObject{slab->free};
        partial_.push_front(*slab);
        return slab;
    }

    List<SlabHeader, &SlabHeader::partial> partial_;
};

using SizeClasses = std::array<SizeClass, sizes.size()>;
constinit Guarded<SizeClasses, LockRank::Heap> classes;

[[nodiscard]] unsigned order_for(size_t bytes) { return static_cast<unsigned>(std::bit_width(pages_for(bytes) - 1)); }

/// What the object does not need of the block goes back at once.
[[nodiscard]] void* take_frames(size_t bytes)
{
    unsigned const order = order_for(bytes);
    u64 const needed = pages_for(bytes);
    auto const block = frames::allocate(order);
    if (!block) return nullptr;
    frames::free_run(*block + needed, (u64{1} << order) - needed);
    frames::find(*block)->heap_frames = needed;
    return arch::reach(*block);
}

[[nodiscard]] void* heap_take(size_t bytes)
{
    for (size_t i = 0; i < sizes.size(); ++i)
        if (bytes <= sizes[i]) return (*classes.lock())[i].take(sizes[i]);
    return take_frames(bytes);
}

void heap_give(void* memory)
{
    if (!memory) return;
    auto const address = reinterpret_cast<u64>(memory);
    if ((address & page_mask) == 0) {
        Hfn const block = frame_of(arch::physical_address(memory));
        return frames::free_run(block, frames::find(block)->heap_frames);
    }
    auto& slab = *reinterpret_cast<SlabHeader*>(round_down(address, page_size));
    for (size_t i = 0; i < sizes.size(); ++i)
        if (sizes[i] == slab.object_bytes) return (*classes.lock())[i].give(slab, memory);
    panic("heap: {:x} was not allocated here", memory);
}

}

}

std::nothrow_t const std::nothrow{};

void* operator new(size_t bytes, std::nothrow_t const&) noexcept { return hospes::heap_take(bytes); }
void* operator new[](size_t bytes, std::nothrow_t const&) noexcept { return hospes::heap_take(bytes); }
void operator delete(void* memory) noexcept { hospes::heap_give(memory); }
void operator delete[](void* memory) noexcept { hospes::heap_give(memory); }
void operator delete(void* memory, size_t) noexcept { hospes::heap_give(memory); }
void operator delete[](void* memory, size_t) noexcept { hospes::heap_give(memory); }
void operator delete(void* memory, std::nothrow_t const&) noexcept { hospes::heap_give(memory); }
/// Objects with a larger alignment than 16 (a page, a cache line) get whole frames.
void* operator new(size_t bytes, std::align_val_t, std::nothrow_t const&) noexcept
{
    return hospes::take_frames(bytes);
}
void operator delete(void* memory, std::align_val_t) noexcept { hospes::heap_give(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { hospes::heap_give(memory); }
