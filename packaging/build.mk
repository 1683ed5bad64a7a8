# SPDX-License-Identifier: MIT
# The screen's font, the Debian package, the live medium, documents made from tables. Included by the Makefile.

# --- the font of the framebuffer console, from the one GRUB comes with ---

GRUB_FONT  := /usr/share/grub/ascii.pf2

$(BUILD)/generated/font_glyphs.inc: drivers/screen/font.awk $(GRUB_FONT) | toolchain
	@mkdir -p $(@D)
	$(Q)od -An -v -tu1 $(GRUB_FONT) | awk -f $< >$@
$(BUILD)/drivers/screen/font.cpp.o tidy: $(BUILD)/generated/font_glyphs.inc
$(BUILD)/drivers/screen/font.cpp.o tidy: private KERNEL_CXX += -I$(BUILD)/generated

# --- installation, the Debian package ---

.PHONY: deb docs live dom0-live install-files package-tools check-packaging
OPTIONS_PAGE  := $(BUILD)/packaging/options_page
OPTION_SOURCES := packaging/options_page.cpp kernel/options/command_line.cpp kernel/options/options.cpp \
                  kernel/options/parse_values.cpp

$(OPTIONS_PAGE): $(OPTION_SOURCES) kernel/options/command_line.hpp kernel/options/options.hpp | toolchain
	$(call say,HOST,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++23 -stdlib=libc++ -O1 -I. -o $@ $(OPTION_SOURCES)
$(BUILD)/packaging/hospes-options.7: $(OPTIONS_PAGE)
	$(Q)$< man >$@
docs: $(OPTIONS_PAGE)
	$(Q)$< markdown >docs/options.md

# Manual pages, and the guides of those who run it.
MANUALS := packaging/hospes.8 packaging/hospes-verdict.8 packaging/hospes-top.8 $(BUILD)/packaging/hospes-options.7
GUIDES  := $(addprefix docs/,first-steps.md installing.md administering-guests.md building-guests.md networking.md from-xen.md \
           troubleshooting.md reading-a-panic.md options.md iommu.md)

install: install-files
# The hypervisor itself is installed by the Makefile's own rule.
install-files: $(MANUALS)
	$(Q)install -D -m 644 packaging/grub.cfg $(DESTDIR)/etc/default/grub.d/hospes.cfg
	$(Q)install -D -m 755 packaging/grub_entries $(DESTDIR)/etc/grub.d/22_hospes
	$(Q)install -D -m 755 packaging/hospes-verdict $(DESTDIR)/usr/bin/hospes-verdict
	$(Q)install -D -m 755 dom0/top/hospes-top $(DESTDIR)/usr/bin/hospes-top
	$(Q)install -D -m 644 -t $(DESTDIR)/usr/share/hospes/hospes_top dom0/top/hospes_top/*.py
	$(Q)install -D -m 644 packaging/hospes-verdict.service $(DESTDIR)/usr/lib/systemd/system/hospes-verdict.service
	$(Q)install -D -m 644 -t $(DESTDIR)/usr/share/doc/hospes $(GUIDES)
	$(Q)install -D -m 644 CHANGELOG.md $(DESTDIR)/usr/share/doc/hospes/what-changed.md
	$(Q)for page in $(MANUALS); do install -D -m 644 -t $(DESTDIR)/usr/share/man/man$${page##*.} $$page; done

deb: $(BUILD)/hospes.gz $(MANUALS) | package-tools
	$(call say,DEB,$(PACKAGE_VERSION))
	$(Q)packaging/build_package $(PACKAGE_VERSION) $(BUILD)
package-tools:
	@tests/tools/packages deb
check-packaging: deb
	$(Q)BUILD=$(abspath $(BUILD)) /usr/bin/python3 -m pytest -p no:cacheprovider --tb=short tests/packaging tests/top

# --- the live medium ---

live_release = $(or $(RELEASE),trixie)
live_images  = $(call images_of,$(live_release))

live: $(BUILD)/hospes-live.iso
dom0-live:
	$(Q)dom0/image/build_image --release $(live_release) --output $(live_images) live
$(BUILD)/hospes-live.iso: $(BUILD)/hospes.gz dom0-live $(BUILD)/guests/ring_console.elf $(shell find dom0/live dom0/files dom0/init dom0/top -type f -not -name "*.pyc") packaging/hospes-verdict
	$(Q)dom0/live/build_live --hypervisor $(BUILD)/hospes.gz --images $(live_images) --output $@
