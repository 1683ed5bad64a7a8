// SPDX-License-Identifier: MIT
/// What is done for a command before and after its handler: who may, what is copied which way, in which order.
#include <gtest/gtest.h>

#include "kernel/hypercall/command_table.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

constexpr u64 structure_at = page_size;
constexpr u64 nowhere = u64{1} << 40;
constexpr DomainId own = 5;
constexpr DomainId other = 6;

struct Structure {
    u16 pad;
    DomainId domain;
    u32 value;
};

/// What the handlers are given, and what they answer.
struct Context {
    u32 runs = 0;
    u32 seen = 0;
    Domain* named = nullptr;
    Expected<> answer;
};

Expected<u64> count(Context& context) { return ++context.runs; }

Expected<> look(Context& context, Structure const& structure)
{
    ++context.runs;
    context.seen = structure.value;
    return context.answer;
}

Expected<> change(Context& context, Structure& structure)
{
    static_cast<void>(look(context, structure));
    structure.value = 2;
    return context.answer;
}

Expected<> look_at_domain(Context& context, Domain& domain, Structure const& structure)
{
    context.named = &domain;
    return look(context, structure);
}

enum Number : u8 { Count, Look, Change, ChangeAlways, Tell, ForControl, CountForControl, OfDomain = 9 };

constexpr std::array rows{
    CommandRow{OfDomain, taking<look_at_domain>, Caller::NamedDomain},
    CommandRow{Count, plain<count>},
    CommandRow{Look, taking<look>},
    CommandRow{Change, answering<change>},
    CommandRow{ChangeAlways, reporting<change>},
    CommandRow{Tell, telling<change>},
    CommandRow{ForControl, taking<look>, Caller::ControlDomain},
    CommandRow{CountForControl, plain<count>, Caller::ControlDomain},
};
constexpr auto commands = command_table<rows>();
static_assert(commands.find(OfDomain)->number == OfDomain && !commands.find(OfDomain + 1));

class CommandTable : public testing::Test {
protected:
    Expected<u64> run(u64 number, u64 argument = structure_at)
    {
        return run_command(commands.find(number), guest_.vcpu(), context_, argument);
    }
    void put(DomainId domain) const { guest_.put(structure_at, Structure{.pad = 7, .domain = domain, .value = 1}); }
    u32 value() const { return guest_.get<Structure>(structure_at).value; }
    static auto refusal(Error error) { return Expected<u64>{failure(error)}; }

    fakes::TestDomain const guest_{own};
    Context context_;
};

TEST_F(CommandTable, WhatHasNoRowIsNotImplemented)
{
    for (u64 const number : {u64{7}, u64{8}, u64{10}, u64{1} << 32, ~u64{0}})
        EXPECT_EQ(run(number), refusal(Error::NotImplemented)) << number;
    EXPECT_EQ(context_.runs, 0u);
}

TEST_F(CommandTable, APlainCommandLooksAtNoStructure)
{
    EXPECT_EQ(run(Count, nowhere), Expected<u64>{1});
    EXPECT_EQ(run(Count, nowhere), Expected<u64>{2});
}

TEST_F(CommandTable, WithoutItsStructureNoHandlerRuns)
{
    for (Number const number : {Look, Change, ChangeAlways, OfDomain})
        EXPECT_EQ(run(number, nowhere), refusal(Error::BadAddress));
    EXPECT_EQ(context_.runs, 0u);
}

TEST_F(CommandTable, TheStructureGoesBackAfterSuccess)
{
    put(own);
    EXPECT_EQ(run(Look), Expected<u64>{0});
    EXPECT_EQ(context_.seen, 1u);
    EXPECT_EQ(run(Change), Expected<u64>{0});
    EXPECT_EQ(context_.seen, 1u);
    EXPECT_EQ(value(), 2u);
}

TEST_F(CommandTable, AfterAnErrorItGoesBackOnlyFromACommandThatReports)
{
    put(own);
    context_.answer = failure(Error::NoSpace);
    EXPECT_EQ(run(Change), refusal(Error::NoSpace));
    EXPECT_EQ(value(), 1u);
    EXPECT_EQ(run(ChangeAlways), refusal(Error::NoSpace));
    EXPECT_EQ(value(), 2u);
}

TEST_F(CommandTable, WhoTellsIsGivenNothing)
{
    put(own);
    context_.seen = 1;
    EXPECT_EQ(run(Tell), Expected<u64>{0});
    EXPECT_EQ(context_.seen, 0u);
    EXPECT_EQ(guest_.get<Structure>(structure_at).pad, 0u);
    EXPECT_EQ(value(), 2u);
    EXPECT_EQ(run(Tell, nowhere), refusal(Error::BadAddress));
}

TEST_F(CommandTable, WhoMayNotIsToldSoBeforeTheStructureIsLookedAt)
{
    EXPECT_EQ(run(ForControl, nowhere), refusal(Error::NotPermitted));
    EXPECT_EQ(run(CountForControl, nowhere), refusal(Error::NotPermitted));
    EXPECT_EQ(context_.runs, 0u);

    fakes::TestDomain const control{0, true};
    control.put(structure_at, Structure{});
    EXPECT_EQ(run_command(commands.find(ForControl), control.vcpu(), context_, structure_at), Expected<u64>{0});
    EXPECT_EQ(run_command(commands.find(CountForControl), control.vcpu(), context_, nowhere), Expected<u64>{2});
}

TEST_F(CommandTable, AGuestNamesItselfAndTheControlDomainAnybody)
{
    for (DomainId const id : {own, xen::domid_self}) {
        put(id);
        EXPECT_EQ(run(OfDomain), Expected<u64>{0});
        EXPECT_EQ(context_.named, &*guest_);
    }
    put(other);
    EXPECT_EQ(run(OfDomain), refusal(Error::NotPermitted));
    EXPECT_EQ(context_.runs, 2u);

    fakes::TestDomain const control{0, true};
    control.put(structure_at, Structure{.pad = 0, .domain = own, .value = 3});
    EXPECT_EQ(run_command(commands.find(OfDomain), control.vcpu(), context_, structure_at), Expected<u64>{0});
    EXPECT_EQ(context_.named, &*guest_);
    EXPECT_EQ(context_.seen, 3u);
    control.put(structure_at, Structure{.pad = 0, .domain = other, .value = 3});
    EXPECT_EQ(run_command(commands.find(OfDomain), control.vcpu(), context_, structure_at),
              refusal(Error::NoSuchDomain));
}

}
}
