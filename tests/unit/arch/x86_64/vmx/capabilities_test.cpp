// SPDX-License-Identifier: MIT
/// VMX capability MSRs to control settings: what is needed, what is wanted, what must not be forced on us.
#include "arch/x86_64/vmx/capabilities.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hospes::vmx {
namespace {

/// A processor with everything: all controls may be 0 or 1.
struct FakeMsrs {
    FakeMsrs()
    {
        values[0x480] = Basic{}.with<Basic::Revision>(4).with<Basic::HasTrueControls>(true).raw();
        for (u32 number : {0x48bU, 0x48dU, 0x48eU, 0x48fU, 0x490U}) values[number] = u64{0xffff'ffff} << 32;
        values[0x486] = 0x8000'0021; // PG, NE, PE
        values[0x487] = 0xffff'ffff;
        values[0x488] = 0x2000; // VMXE
        values[0x489] = 0x0077'ffff;
        values[0x48c] = EptAndVpid{}
                            .with<EptAndVpid::FourLevels>(true)
                            .with<EptAndVpid::WriteBack>(true)
                            .with<EptAndVpid::Pages2M>(true)
                            .with<EptAndVpid::Invept>(true)
                            .with<EptAndVpid::InveptSingle>(true)
                            .raw();
    }
    std::map<u32, u64> values;
};

FakeMsrs* current = nullptr;
u64 read_fake(u32 number)
{
    auto const at = current->values.find(number);
    EXPECT_NE(at, current->values.end()) << "MSR " << std::hex << number << " does not exist";
    return at == current->values.end() ? 0 : at->second;
}

class CapabilitiesTest : public testing::Test {
protected:
    CapabilitiesTest() { current = &msrs; }
    void may_not_be_one(u32 number, u64 mask) { msrs.values[number] &= ~(mask << 32); }
    void must_be_one(u32 number, u64 mask) { msrs.values[number] |= mask; }
    FakeMsrs msrs;
    Capabilities found;
};

TEST_F(CapabilitiesTest, TakesWhatIsNeededAndWanted)
{
    ASSERT_EQ(discover(read_fake, found), Verdict::Usable);
    EXPECT_TRUE(found.uses<SecondaryControls::Ept>(ControlWord::Secondary));
    EXPECT_TRUE(found.uses<SecondaryControls::Vpid>(ControlWord::Secondary));
    EXPECT_TRUE(found.uses<PinControls::VirtualNmis>(ControlWord::Pin));
    EXPECT_FALSE(found.uses<PrimaryControls::InterruptWindow>(ControlWord::Primary)) << "only at times";
    EXPECT_FALSE(found.uses<PrimaryControls::AllPortsExiting>(ControlWord::Primary)) << "nobody asked for it";
    EXPECT_EQ(found.basic.get<Basic::Revision>(), 4U);
}

TEST_F(CapabilitiesTest, KeepsUnknownBitsThatMustBeOne)
{
    must_be_one(0x48f, 0x3'6dff);
    ASSERT_EQ(discover(read_fake, found), Verdict::Usable);
    EXPECT_EQ(found.control(ControlWord::Exit) & 0x3'6dff, 0x3'6dffU);
}

TEST_F(CapabilitiesTest, AnUnrestrictedGuestMayTurnPagingOff)
{
    ASSERT_EQ(discover(read_fake, found), Verdict::Usable);
    EXPECT_EQ(found.cr0_must_be_one, 0x20U);
    EXPECT_EQ(found.cr4_must_be_one, 0x2000U);
}

TEST_F(CapabilitiesTest, WantedControlsMayBeAbsent)
{
    may_not_be_one(0x48b, SecondaryControls::Vpid::mask | SecondaryControls::Invpcid::mask);
    ASSERT_EQ(discover(read_fake, found), Verdict::Usable);
    EXPECT_FALSE(found.uses<SecondaryControls::Vpid>(ControlWord::Secondary));
}

TEST_F(CapabilitiesTest, NamesANeededControlThatIsMissing)
{
    may_not_be_one(0x48b, SecondaryControls::UnrestrictedGuest::mask);
    EXPECT_EQ(discover(read_fake, found), Verdict::ControlMissing);
    EXPECT_EQ(found.missing, "unrestricted guest");
}

TEST_F(CapabilitiesTest, NamesAnExitThatCannotBeAvoided)
{
    must_be_one(0x48e, PrimaryControls::Cr3LoadExiting::mask);
    EXPECT_EQ(discover(read_fake, found), Verdict::ControlMissing);
    EXPECT_EQ(found.missing, "CR3-load exiting");
}

TEST_F(CapabilitiesTest, AWindowMustBeClosable)
{
    must_be_one(0x48e, PrimaryControls::NmiWindow::mask);
    EXPECT_EQ(discover(read_fake, found), Verdict::ControlMissing);
    EXPECT_EQ(found.missing, "NMI-window exiting");
}

TEST_F(CapabilitiesTest, DoesNotReadMsrsThatAreNotThere)
{
    may_not_be_one(0x48e, PrimaryControls::Secondary::mask);
    for (u32 number : {0x48bU, 0x48cU}) msrs.values.erase(number);
    EXPECT_EQ(discover(read_fake, found), Verdict::ControlMissing);
    EXPECT_EQ(found.missing, "secondary controls");
}

TEST_F(CapabilitiesTest, UsesTheOldMsrsWithoutTrueControls)
{
    msrs.values[0x480] = Basic{}.with<Basic::Revision>(1).raw();
    for (u32 number : {0x481U, 0x482U, 0x483U, 0x484U}) msrs.values[number] = u64{0xffff'ffff} << 32;
    for (u32 number : {0x48dU, 0x48eU, 0x48fU, 0x490U}) msrs.values.erase(number);
    EXPECT_EQ(discover(read_fake, found), Verdict::Usable);
}

TEST_F(CapabilitiesTest, EptNeedsInvept)
{
    msrs.values[0x48c] &= ~EptAndVpid::Invept::mask;
    EXPECT_EQ(discover(read_fake, found), Verdict::EptUnsuitable);
}

TEST(FeatureControl, LockedOff)
{
    EXPECT_FALSE(is_locked_off(FeatureControl{0})) << "open: we lock it";
    EXPECT_FALSE(is_locked_off(FeatureControl{5}));
    EXPECT_TRUE(is_locked_off(FeatureControl{1}));
    EXPECT_TRUE(is_locked_off(FeatureControl{3})) << "inside SMX is not enough";
}

TEST_F(CapabilitiesTest, TheApicIsTheCpusOnlyIfSomebodyWantsIt)
{
    ASSERT_EQ(discover(read_fake, found), Verdict::Usable);
    EXPECT_TRUE(found.can_virtualize_apic());
    EXPECT_FALSE(found.virtualizes_apic());
    found.virtualize_apic();
    EXPECT_TRUE(found.virtualizes_apic());
    EXPECT_TRUE(found.uses<SecondaryControls::ApicRegisters>(ControlWord::Secondary));
    EXPECT_FALSE(found.uses<SecondaryControls::VirtualizeX2Apic>(ControlWord::Secondary)) << "by the guest's mode";
}

TEST_F(CapabilitiesTest, TheApicIsTheCpusInFullOrNotAtAll)
{
    may_not_be_one(0x48b, SecondaryControls::VirtualizeX2Apic::mask);
    ASSERT_EQ(discover(read_fake, found), Verdict::Usable);
    EXPECT_FALSE(found.can_virtualize_apic());
}

TEST_F(CapabilitiesTest, TheApicMustNotBeForcedOnUs)
{
    must_be_one(0x48b, SecondaryControls::VirtualInterruptDelivery::mask);
    EXPECT_EQ(discover(read_fake, found), Verdict::ControlMissing);
    EXPECT_EQ(found.missing, "virtual-interrupt delivery");
}

}
}
