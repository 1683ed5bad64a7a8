// SPDX-License-Identifier: MIT
/// xen_version(command, buffer): who we are and what we offer. We answer as the release of Xen that the toolstack in
/// dom0 was built for (toolstack=). (xen/include/public/version.h; abi.md 3.7.)
#include "kernel/abi/xen/version.hpp"

#include <algorithm>
#include <string_view>

#include "kernel/abi/xen/features.hpp"
#include "kernel/abi/xen/versions.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/options/command_line.hpp"
#include "kernel/version.hpp"

namespace hospes {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view extra_version_text = ".0-hospes";
/// The toolstack builds a guest only if its kind is listed here.
constexpr std::string_view capabilities_text = "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ";

std::string_view command_line_for(Vcpu const& caller)
{
    return caller.domain().is_control_domain() ? options().command_line : "<denied>"sv;
}

template <size_t size>
void fill(std::array<char, size>& out, std::string_view text)
{
    std::copy_n(text.begin(), std::min(text.size(), size - 1), out.begin());
}

template <typename T>
Expected<u64> answer(Vcpu& caller, u64 buffer, T const& value)
{
    if (auto const copied = copy_out(caller, claim_of<T>(buffer), value); !copied) return failure(copied.error());
    return 0;
}

Expected<u64> version(Vcpu&, u64) { return xen::version_number(options().toolstack_minor); }

template <typename T>
Expected<u64> text(Vcpu& caller, u64 buffer, std::string_view what)
{
    T value{};
    fill(value.text, what);
    return answer(caller, buffer, value);
}

/// All of it, without a zero behind, if there is room for it. Without a buffer, only how much there is.
Expected<u64> long_text(Vcpu& caller, u64 buffer, std::string_view what)
{
    if (buffer == 0) return what.size();
    auto const offer = copy_in(caller, claim_of<xen::VariableBuffer>(buffer));
    if (!offer) return failure(offer.error());
    if (what.size() > offer->length) return failure(Error::NoBufferSpace);
    auto const start = element_address(xen::GuestHandle<u8>{buffer}, sizeof *offer);
    if (!start) return failure(start.error());
    auto const copied = copy_to_guest(caller, *start, {reinterpret_cast<u8 const*>(what.data()), what.size()});
    if (!copied) return failure(copied.error());
    return what.size();
}

Expected<u64> extra_version(Vcpu& caller, u64 buffer)
{
    return text<xen::ExtraVersion>(caller, buffer, extra_version_text);
}

Expected<u64> compile_info(Vcpu& caller, u64 buffer)
{
    xen::CompileInfo info{};
    fill(info.compiler, "clang " __clang_version__ ""sv);
    fill(info.compiled_by, "hospes"sv);
    fill(info.compile_domain, "hospes"sv);
    fill(info.compile_date, "reproducible build"sv);
    return answer(caller, buffer, info);
}

Expected<u64> capabilities(Vcpu& caller, u64 buffer)
{
    return text<xen::CapabilitiesInfo>(caller, buffer, capabilities_text);
}

/// `xl info` shows it as xen_changeset.
xen::ChangesetInfo describe_changeset()
{
    xen::ChangesetInfo info{};
    std::span out{info.text};
    format_into(out.first(out.size() - 1), "hospes {} git:{}", FormatArguments<2>{hospes::version, revision()}.span());
    return info;
}

Expected<u64> changeset(Vcpu& caller, u64 buffer) { return answer(caller, buffer, describe_changeset()); }

Expected<u64> platform_parameters(Vcpu& caller, u64 buffer)
{
    return answer(caller, buffer, xen::PlatformParameters{});
}

constexpr u32 bit(xen::Feature feature) { return u32{1} << static_cast<u32>(feature); }

Expected<u64> features(Vcpu& caller, u64 buffer)
{
    auto info = copy_in(caller, claim_of<xen::FeatureInfo>(buffer));
    if (!info) return failure(info.error());
    if (info->submap_index >= xen::nr_feature_submaps) return failure(Error::Invalid);
    using enum xen::Feature;
    info->submap = bit(WritablePageTables) | bit(AutoTranslatedPhysmap) | bit(HvmCallbackVector) | bit(HvmSafePvclock) |
                   bit(MemoryOpVnodeSupported);
    // dom0's frames are the host's, one to one; nobody else's are.
    info->submap |= caller.domain().is_control_domain() ? bit(Dom0) | bit(DirectMapped) : bit(NotDirectMapped);
    return answer(caller, buffer, *info);
}

Expected<u64> page_size_of_guests(Vcpu&, u64) { return page_size; }

Expected<u64> guest_handle(Vcpu& caller, u64 buffer)
{
    auto const handle = caller.domain().control.lock()->handle;
    return answer(caller, buffer, handle); // without the lock: the guest's memory may be slow to reach
}

Expected<u64> command_line(Vcpu& caller, u64 buffer)
{
    return text<xen::CommandLine>(caller, buffer, command_line_for(caller));
}

/// The answer is the number of bytes; without a buffer, nothing else. (xen/common/kernel.c, XENVER_build_id.)
Expected<u64> identify_build(Vcpu& caller, u64 buffer)
{
    if (!caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    std::span<u8 const> const id = build_id();
    if (buffer == 0) return id.size();
    auto const room = copy_in(caller, claim_of<xen::BuildId>(buffer));
    if (!room) return failure(room.error());
    if (room->length < id.size()) return failure(room->length == 0 ? Error::Invalid : Error::NoBufferSpace);
    auto const behind = element_address(claim_of<xen::BuildId>(buffer), 1);
    if (!behind) return failure(behind.error());
    if (auto const copied = copy_to_guest(caller, *behind, id); !copied) return failure(copied.error());
    return id.size();
}

Expected<u64> long_extra_version(Vcpu& caller, u64 buffer) { return long_text(caller, buffer, extra_version_text); }
Expected<u64> long_capabilities(Vcpu& caller, u64 buffer) { return long_text(caller, buffer, capabilities_text); }
Expected<u64> long_changeset(Vcpu& caller, u64 buffer)
{
    return long_text(caller, buffer, describe_changeset().text.data());
}
Expected<u64> long_command_line(Vcpu& caller, u64 buffer)
{
    return long_text(caller, buffer, command_line_for(caller));
}

using Handler = Expected<u64> (*)(Vcpu&, u64 buffer);

/// By VersionCommand.
constexpr std::array<Handler, 15> handlers{
    version,           extra_version,       compile_info,     capabilities, changeset,      platform_parameters,
    features,          page_size_of_guests, guest_handle,     command_line, identify_build, long_extra_version,
    long_capabilities, long_changeset,      long_command_line};

}

Expected<u64> xen_version(Vcpu& caller, HypercallArguments& arguments)
{
    if (arguments[0] >= handlers.size()) return failure(Error::NotImplemented);
    return handlers[arguments[0]](caller, arguments[1]);
}

}
