// SPDX-License-Identifier: MIT
/// Asks who may, copies a command's structure in, and copies it out again.
#include "kernel/hypercall/command_table.hpp"

#include <cstring>
#include <span>

#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/guest_memory.hpp"

namespace hospes {

namespace {

Expected<u64> run_on_named(Command const& command, Vcpu const& caller, void* context, u8* structure)
{
    xen::DomainId id = 0;
    std::memcpy(&id, structure + command.domain_at, sizeof id);
    auto const domain = domains::resolve(caller, id);
    if (!domain) return failure(domain.error());
    return command.handler(context, &**domain, structure);
}

}

Expected<u64> refused(Error error) { return failure(error); }

Expected<u64> open_none(Vcpu&, void*, Command const&, u64) { return failure(Error::NotImplemented); }

Expected<u64> open_taking(Vcpu& caller, void* context, Command const& command, u64 argument)
{
    alignas(u64) std::array<u8, largest_structure> structure;
    auto const copied = copy_from_guest(caller, {structure.data(), command.bytes}, Gva{argument});
    if (!copied) return refused(copied.error());
    return command.handler(context, nullptr, structure.data());
}

Expected<u64> open_any(Vcpu& caller, void* context, Command const& command, u64 argument)
{
    if (command.allowed == Caller::ControlDomain && !caller.domain().is_control_domain())
        return refused(Error::NotPermitted);
    alignas(u64) std::array<u8, largest_structure> structure{};
    std::span const bytes{structure.data(), command.bytes};
    if (command.copies_in)
        if (auto const copied = copy_from_guest(caller, bytes, Gva{argument}); !copied) return refused(copied.error());
    auto const result = command.names_domain ? run_on_named(command, caller, context, bytes.data())
                                             : command.handler(context, nullptr, bytes.data());
    if (command.answers == Answers::Always || (command.answers == Answers::AfterSuccess && result))
        if (auto const copied = copy_to_guest(caller, Gva{argument}, bytes); !copied) return refused(copied.error());
    return result;
}

}
