# SPDX-License-Identifier: MIT
# build/hospes.efi: loader and hypervisor in one file that UEFI firmware starts.

EFI_HEADERS := /usr/include/efi
EFI_CXX     := clang++-19 -std=c++23 -stdlib=libc++ -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics \
               -fno-stack-protector -fshort-wchar -fno-builtin -fpic -fvisibility=hidden -mno-red-zone -mno-sse -mno-mmx -O2 \
               -DGNU_EFI_USE_MS_ABI -DHAVE_USE_MS_ABI -isystem $(EFI_HEADERS) -isystem $(EFI_HEADERS)/x86_64 -I. \
               -Wall -Wextra -Werror
EFI_LINK    := ld -nostdlib --no-undefined -znocombreloc -shared -Bsymbolic --no-warn-rwx-segments -T /usr/lib/elf_x86_64_efi.lds
EFI_PARTS   := .text .sdata .data .rodata .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc

.PHONY: efi
efi: $(BUILD)/hospes.efi
$(EFI_HEADERS)/efi.h:
	$(Q)tests/tools/packages efi
$(BUILD)/uefi/%.o: boot/uefi/%.cpp $(wildcard boot/uefi/*.hpp) | $(EFI_HEADERS)/efi.h
	$(call say,C++,$<)
	@mkdir -p $(@D)
	$(Q)$(EFI_CXX) -c $< -o $@
$(BUILD)/uefi/leave.o: boot/uefi/leave.S $(BUILD)/hospes.elf
	@mkdir -p $(@D)
	$(Q)clang-19 -fpic -I$(BUILD) -c $< -o $@
$(BUILD)/hospes.efi: $(addprefix $(BUILD)/uefi/,loader.o runtime.o leave.o)
	$(call say,LINK,$@)
	$(Q)$(EFI_LINK) /usr/lib/crt0-efi-x86_64.o $^ -o $(BUILD)/uefi/hospes.so -L/usr/lib -l:libgnuefi.a
	$(Q)objcopy $(addprefix -j ,$(EFI_PARTS)) --target efi-app-x86_64 --subsystem=10 $(BUILD)/uefi/hospes.so $@
