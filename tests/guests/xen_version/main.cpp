// SPDX-License-Identifier: MIT
/// Rule: the hypervisor introduces itself as the one the toolstack was made for (abi.md, 3.7).
/// Failure looks like xl refusing to create guests, or a kernel without its PV clock.

#include "kernel/abi/xen/version.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "kernel/abi/xen/features.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

using xen::VersionCommand;

template <typename Argument = void>
s64 ask(VersionCommand command, Argument* argument = nullptr)
{
    return hypercall(xen::Hypercall::XenVersion, command, argument);
}

template <size_t size>
std::string_view text_of(std::array<char, size> const& text)
{
    return {text.data(), static_cast<size_t>(std::ranges::find(text, '\0') - text.begin())};
}

void texts()
{
    xen::ExtraVersion extra{};
    report(succeeds(ask(VersionCommand::ExtraVersion, &extra)), "extraversion");
    report(std::ranges::contains(extra.text, '\0'), "ends within its 16 bytes");
    print("  version 4.17", text_of(extra.text), "\n");
    xen::CompileInfo compile{};
    report(succeeds(ask(VersionCommand::CompileInfo, &compile)), "compile_info");
    xen::ChangesetInfo changeset{};
    report(succeeds(ask(VersionCommand::Changeset, &changeset)), "changeset");
    static constinit xen::CapabilitiesInfo capabilities{};
    report(succeeds(ask(VersionCommand::Capabilities, &capabilities)), "capabilities");
    auto list = text_of(capabilities.text);
    report(list.contains("hvm-3.0-x86_32 ") || list.ends_with("hvm-3.0-x86_32"), "hvm-3.0-x86_32 is among them");
    report(list.contains("hvm-3.0-x86_64"), "hvm-3.0-x86_64 too");
    static constinit xen::CommandLine line{};
    report(succeeds(ask(VersionCommand::CommandLine, &line)), "command line");
    report(is_dom0() == (text_of(line.text) != "<denied>"), "is for dom0's eyes only");
    if (is_dom0()) report(text_of(line.text).contains("dom0_mem="), "and holds dom0_mem=");
}

void features()
{
    xen::FeatureInfo info{};
    report(succeeds(ask(VersionCommand::GetFeatures, &info)), "get_features");
    auto has = [&](xen::Feature feature) { return ((info.submap >> static_cast<u32>(feature)) & 1) != 0; };
    report(has(xen::Feature::AutoTranslatedPhysmap), "auto-translated physmap");
    report(has(xen::Feature::HvmCallbackVector), "callback vector");
    report(has(xen::Feature::HvmSafePvclock), "safe PV clock");
    report(!has(xen::Feature::HvmPirqs), "no PIRQs");
    report(has(xen::Feature::Dom0) == is_dom0(), "the dom0 bit tells the truth");
    info = {1, 0};
    auto second = ask(VersionCommand::GetFeatures, &info);
    report(second == -static_cast<s64>(Error::Invalid) || info.submap == 0, "there is one submap only");
}

/// In: the room behind the length; out: the bytes there.
struct BuildIdAnswer {
    xen::BuildId room;
    std::array<u8, 64> bytes;
};

void build_id()
{
    s64 const length = ask<BuildIdAnswer>(VersionCommand::BuildId);
    if (!is_dom0()) return report(fails_with(length, Error::NotPermitted), "no build id for guests");
    report(length > 0 && length <= 64, "dom0 is told the length of the build id");
    BuildIdAnswer answer{{static_cast<u32>(length)}, {}};
    report(equal(ask(VersionCommand::BuildId, &answer), length), "dom0 is told the build id");
    report(std::ranges::any_of(answer.bytes, [](u8 byte) { return byte != 0; }), "it is not nothing");
    report(answer.bytes[static_cast<size_t>(length)] == 0 || length == 64, "and ends where it says");
    answer.room.length = static_cast<u32>(length) - 1;
    report(fails_with(ask(VersionCommand::BuildId, &answer), Error::NoBufferSpace), "a short buffer is refused");
    answer.room.length = 0;
    report(fails_with(ask(VersionCommand::BuildId, &answer), Error::Invalid), "an empty buffer, too");
}

void run()
{
    report(equal(ask(VersionCommand::Version), 0x0004'0011), "version 4.17");
    report(equal(ask(VersionCommand::PageSize), 4096), "page size");
    texts();
    features();
    xen::PlatformParameters parameters{};
    report(succeeds(ask(VersionCommand::PlatformParameters, &parameters)), "platform parameters");
    std::array<u8, 16> handle{};
    report(succeeds(ask(VersionCommand::GuestHandle, &handle)), "guest handle");
    build_id();
    report(fails_with(hypercall(xen::Hypercall::XenVersion, 99u, 0u), Error::NotImplemented), "an undefined question");
    report(fails_with(hypercall(xen::Hypercall::XenVersion, VersionCommand::ExtraVersion, unmapped_address),
                      Error::BadAddress),
           "an answer to a bad address");
}

}

constinit Guest const this_guest{"xen_version", run};

}
