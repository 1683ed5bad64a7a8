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

.PHONY: deb docs live dom0-live install-files
VERSION       := $(shell sed -n 's/.*version = "\(.*\)".*/\1/p' kernel/version.hpp)
OPTIONS_PAGE  := $(BUILD)/packaging/options_page
OPTION_SOURCES := packaging/options_page.cpp kernel/options/command_line.cpp kernel/options/options.cpp \
                  kernel/options/parse_values.cpp
PACKAGE       := $(BUILD)/hospes_$(VERSION)_amd64.deb
PACKAGE_TREE  := $(BUILD)/packaging/tree

$(OPTIONS_PAGE): $(OPTION_SOURCES) kernel/options/command_line.hpp kernel/options/options.hpp | toolchain
	$(call say,HOST,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++23 -stdlib=libc++ -O1 -I. -o $@ $(OPTION_SOURCES)
$(BUILD)/packaging/hospes-options.7: $(OPTIONS_PAGE)
	$(Q)$< man >$@
docs: $(OPTIONS_PAGE)
	$(Q)$< markdown >docs/options.md

install: install-files
# The hypervisor itself is installed by the Makefile's own rule.
install-files: $(BUILD)/packaging/hospes-options.7
	$(Q)install -D -m 644 packaging/grub.cfg $(DESTDIR)/etc/default/grub.d/hospes.cfg
	$(Q)install -D -m 755 packaging/hospes-verdict $(DESTDIR)/usr/bin/hospes-verdict
	$(Q)install -D -m 644 packaging/hospes-verdict.service \
	    $(DESTDIR)/usr/lib/systemd/system/hospes-verdict.service
	$(Q)install -d $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants
	$(Q)ln -sf ../hospes-verdict.service $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants/
	$(Q)install -D -m 644 packaging/copyright $(DESTDIR)/usr/share/doc/hospes/copyright
	$(Q)for page in packaging/hospes.8 packaging/hospes-verdict.8 $<; do \
	    section=$(DESTDIR)/usr/share/man/man$${page##*.}; install -d $$section; \
	    gzip -9 -n -c $$page >$$section/$${page##*/}.gz; done

deb: $(PACKAGE)
$(PACKAGE): $(BUILD)/hospes.gz $(BUILD)/packaging/hospes-options.7 $(shell find packaging -type f)
	$(call say,DEB,$@)
	$(Q)rm -rf $(PACKAGE_TREE)
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(PACKAGE_TREE) BUILD=$(BUILD)
	$(Q)install -d $(PACKAGE_TREE)/DEBIAN
	$(Q)install -m 644 packaging/debian/conffiles packaging/debian/triggers $(PACKAGE_TREE)/DEBIAN/
	$(Q)install -m 755 packaging/debian/postinst packaging/debian/postrm $(PACKAGE_TREE)/DEBIAN/
	$(Q)sed -e 's/@VERSION@/$(VERSION)/' -e "s/@SIZE@/$$(du -sk $(PACKAGE_TREE) | cut -f1)/" \
	    packaging/debian/control.in >$(PACKAGE_TREE)/DEBIAN/control
	$(Q)cd $(PACKAGE_TREE) && find etc boot usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums
	$(Q)SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 0) \
	    dpkg-deb --root-owner-group -Zxz --build $(PACKAGE_TREE) $@ >/dev/null

# --- the live medium ---

live_release = $(or $(RELEASE),trixie)
live_images  = $(call images_of,$(live_release))

live: $(BUILD)/hospes-live.iso
dom0-live:
	$(Q)dom0/image/build_image --release $(live_release) --output $(live_images) live
$(BUILD)/hospes-live.iso: $(BUILD)/hospes.gz dom0-live $(BUILD)/guests/ring_console.elf $(shell find dom0/live dom0/files dom0/init -type f) packaging/hospes-verdict
	$(Q)dom0/live/build_live --hypervisor $(BUILD)/hospes.gz --images $(live_images) --output $@
