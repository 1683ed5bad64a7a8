// SPDX-License-Identifier: MIT
/// The MSI-X capability of one function: a table of messages in the device's own memory. The guest's accesses to it
/// trap: it sees the messages it wrote, the device gets the host's.
///
///     pages of the region:  | registers | table: 16 bytes an entry | pending bits, registers |
///                           | forwarded |          shadowed        |        forwarded        |
///
/// An entry gets a host interrupt when it can first fire, and keeps it, masked or not, until MSI-X is switched off.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/vpci/config_space.hpp"

namespace hospes::vpci {

struct MemoryRange {
    Gpa start{};
    u64 bytes = 0;
    constexpr bool operator==(MemoryRange const&) const = default;
    [[nodiscard]] constexpr bool covers(Gpa where) const { return where >= start && where - start < bytes; }
};

class Msix final : public RegisterOwner {
public:
    /// As Msi. Null if out of memory.
    [[nodiscard]] static std::unique_ptr<Msix> create(ConfigSpace& space, u16 capability);
    void switch_off();

    [[nodiscard]] u32 read_register(u16 offset) override;
    void write_register(u16 offset, u32 value) override;

    /// Where base address and memory decoding put the table now.
    [[nodiscard]] std::optional<MemoryRange> find_table() const;
    /// Where it was when the owner last said so.
    [[nodiscard]] std::optional<MemoryRange> const& table() const { return table_; }
    [[nodiscard]] bool table_covers(Gpa where) const { return table_ && table_->covers(where); }
    /// Accesses to the table trap at this place, or nowhere.
    void set_table(std::optional<MemoryRange> const& place);

    /// `where` lies in table(). `bytes` is 4 or 8 and `where` a multiple of it; other accesses have no effect and read
    /// as ones. (PCI Express Base Specification 5.0, section 7.7.2)
    [[nodiscard]] u64 read_table(Gpa where, unsigned bytes);
    void write_table(Gpa where, unsigned bytes, u64 value);

private:
    struct Entry {
        Message message; ///< the guest's
        pci::MsixVectorControl control = pci::MsixVectorControl{}.with<pci::MsixVectorControl::Masked>(true);
        std::unique_ptr<MessageInterrupt> interrupt;
        [[nodiscard]] bool is_masked() const { return control.get<pci::MsixVectorControl::Masked>(); }
    };

    Msix(ConfigSpace& space, u16 capability, std::unique_ptr<Entry[]> entries, unsigned count);
    [[nodiscard]] pci::MsixControl hardware_control() const;
    void write_control(pci::MsixControl wanted);
    [[nodiscard]] u32 read_word(Entry const& entry, u32 offset) const;
    void write_word(unsigned index, u32 offset, u32 value);
    void program(unsigned index);
    void program_all();
    [[nodiscard]] bool give_interrupt(Entry& entry);
    void complain(std::string_view what, Error why);
    void write_hardware_word(unsigned index, u32 offset, u32 value);

    ConfigSpace& space_;
    u16 const control_;
    pci::MsixTablePlace const place_;
    std::unique_ptr<Entry[]> entries_;
    unsigned const count_;
    std::optional<MemoryRange> table_;
    bool enabled_ = false;
    bool masked_ = false; ///< the whole function
    bool has_complained_ = false;
};

}
