// SPDX-License-Identifier: MIT
/// Reads the bytes at RIP out of the guest's memory, as many as an instruction may have, and decodes them.
#include "arch/x86_64/guest/instruction_fetch.hpp"

#include <array>
#include <cstring>
#include <span>

#include "arch/x86_64/guest/guest_translation.hpp"
#include "kernel/arch/memory.hpp"

namespace hospes::arch {

namespace {

struct FetchedBytes {
    std::array<u8, emulator::max_instruction_bytes> bytes{};
    size_t count = 0; ///< fewer than all where the next page is not mapped
};

FetchedBytes fetch(VirtualCpu& cpu, u64 start)
{
    FetchedBytes fetched;
    while (fetched.count < fetched.bytes.size()) {
        auto const where = translate_code(cpu, Gva{start + fetched.count});
        if (!where) break;
        auto const frame = cpu.vcpu.domain().physmap.reference(frame_of(*where), false);
        if (!frame) break;
        size_t const length =
            std::min<size_t>(fetched.bytes.size() - fetched.count, page_size - offset_in_page(*where));
        std::memcpy(&fetched.bytes[fetched.count], static_cast<u8*>(reach(frame->frame())) + offset_in_page(*where),
                    length);
        fetched.count += length;
    }
    return fetched;
}

}

std::expected<emulator::Instruction, emulator::DecodeError> next_instruction(VirtualCpu& cpu)
{
    emulator::Mode const mode = cpu.backend->code_level().mode;
    u64 start = cpu.backend->registers().rip;
    if (mode != emulator::Mode::Bits64) start = (cpu.backend->segment(SegmentName::Cs).base + start) & 0xffff'ffff;
    FetchedBytes const fetched = fetch(cpu, start);
    return emulator::decode(std::span{fetched.bytes}.first(fetched.count), mode);
}

}
