# SPDX-License-Identifier: MIT
"""The entries that the package's script adds to GRUB's menu, on machines made of empty files."""
import os
import re
import subprocess

import pytest

from package import ROOT

# Of GRUB's library: what the script calls, with answers that are easy to find again.
LIBRARY = """
make_system_path_relative_to_its_root() { case $1 in /) echo /@root ;; *) echo /boot ;; esac; }
prepare_grub_to_access_device() { echo "search $1"; }
save_default_entry() { echo savedefault; }
grub_quote() { cat; }
uses_abstraction() { [ "$1 $2" = "/dev/mapper/vg-root lvm" ]; }
"""
SETTINGS = {"GRUB_DISTRIBUTOR": "Debian", "GRUB_DEVICE": "/dev/sda2", "GRUB_DEVICE_BOOT": "/dev/sda1", "GRUB_FS": "ext4",
            "GRUB_CMDLINE_LINUX": "net.ifnames=0", "GRUB_CMDLINE_LINUX_DEFAULT": "quiet console=ttyS0,115200"}


@pytest.fixture
def menu(tmp_path):
    """Entries by their ids, of a machine with these files in /boot and the tools of these releases of Xen."""
    def update_grub(hypervisors=("0.1",), kernels=("6.1.0-28-amd64",), tools=("4.17",), **settings):
        boot, toolstacks = tmp_path / "boot", tmp_path / "lib"
        files = [boot / f"hospes-{version}.gz" for version in hypervisors]
        files += [boot / f"{kind}-{version}" for version in kernels for kind in ("vmlinuz", "initrd.img")]
        files += [toolstacks / f"xen-{version}/bin/xl" for version in tools] + [toolstacks / "xen-common/bin/x"]
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (tmp_path / "grub-mkconfig_lib").write_text(LIBRARY)
        script = (ROOT / "packaging/grub_entries").read_text()
        for line, value in {"boot=/boot\n": f"boot={boot}\n", "toolstacks=/usr/lib\n": f"toolstacks={toolstacks}\n"}.items():
            assert line in script
            script = script.replace(line, value)
        configuration = (ROOT / "packaging/grub.cfg").read_text()
        set_by_admin = "\n".join(f"export {name}='{value}'" for name, value in (SETTINGS | settings).items())
        run = subprocess.run(["sh", "-ec", f"{configuration}\n{set_by_admin}\n{script}"], capture_output=True, text=True,
                             check=True, env={"PATH": os.environ["PATH"], "pkgdatadir": str(tmp_path)})
        return {name: body for name, body in re.findall(r"^menuentry '.*?--id '(.*?)' \{\n(.*?)^\}", run.stdout, re.M | re.S)}
    return update_grub


def words_of(entry, command):
    """What an entry hands to the hypervisor (multiboot2) or to the kernel (module2)."""
    return re.search(rf"^{command} \S+ (.*)$", entry, re.M)[1].split()


@pytest.mark.parametrize("installed, told", [(["4.17"], ["toolstack=4.17"]), (["4.20"], ["toolstack=4.20"]),
                                             (["4.9", "4.17", "4.20"], ["toolstack=4.20"]), ([], [])])
def test_the_newest_tools_decide(menu, installed, told):
    words = words_of(menu(tools=installed)["hospes"], "multiboot2")
    assert [word for word in words if word.startswith("toolstack=")] == told


def test_the_admin_may_name_the_tools(menu):
    assert words_of(menu(GRUB_CMDLINE_HOSPES="toolstack=4.18")["hospes"], "multiboot2") == ["toolstack=4.18"]


def test_versions_stand_beside_each_other_newest_first(menu):
    old, new = "0.1+git20261128.101112.04500db", "0.1+git20261128.110000.0123abc"
    entries = menu(hypervisors=(old, new), kernels=("6.1.0-9-amd64", "6.1.0-28-amd64"))
    assert f"/boot/hospes-{new}.gz " in entries["hospes"] and "vmlinuz-6.1.0-28-amd64" in entries["hospes"]
    assert [name for name in entries if not name.endswith("recovery")] == [
        "hospes", *(f"hospes-{version}-6.1.0-{kernel}-amd64" for version in (new, old) for kernel in (28, 9))]


def test_a_copy_is_never_the_newest_and_odd_names_have_no_entry(menu):
    entries = menu(hypervisors=("0.1", "0.1-old", "0.2-before", "backup", "0.3'x", "0.3 b"))
    assert "/boot/hospes-0.1.gz " in entries["hospes"]
    assert [name for name in entries if not name.endswith("recovery")] == [
        "hospes", *(f"hospes-{version}-6.1.0-28-amd64" for version in ("0.1", "0.2-before", "0.1-old"))]


def test_words_are_no_patterns(menu):
    assert "/*" in words_of(menu(GRUB_CMDLINE_LINUX="a=b /*")["hospes"], "module2")


def test_recovery_has_console_iommu_and_memory(menu):
    options = "console=vga,com1 iommu=off dom0_mem=2G"
    entries = menu(GRUB_CMDLINE_HOSPES=options)
    recovery = entries["hospes-0.1-6.1.0-28-amd64-recovery"]
    assert words_of(recovery, "multiboot2") == [*options.split(), "toolstack=4.17", "noreboot"]
    kernel = words_of(recovery, "module2")
    assert "single" in kernel and "net.ifnames=0" in kernel and "quiet" not in kernel and kernel[-1] == "console=hvc0"
    assert "savedefault" in entries["hospes"] and "savedefault" not in recovery
    assert not [name for name in menu(GRUB_DISABLE_RECOVERY="true") if name.endswith("recovery")]


def test_the_kernel_gets_what_the_admin_set_but_no_serial_console(menu):
    words = words_of(menu()["hospes"], "module2")
    assert words == ["root=/dev/sda2", "ro", "net.ifnames=0", "quiet", "console=tty0", "console=hvc0"]


def test_root_is_found_by_uuid_unless_it_is_a_volume_or_without_a_ram_disk(menu, tmp_path):
    uuids = [entry for entry in os.listdir("/dev/disk/by-uuid")] if os.path.isdir("/dev/disk/by-uuid") else []
    known = uuids[0] if uuids else "."  # a name that is in that folder, where there is one
    expected = f"root=UUID={known}" if uuids else "root=/dev/sda2"
    assert words_of(menu(GRUB_DEVICE_UUID=known)["hospes"], "module2")[0] == expected
    assert words_of(menu(GRUB_DEVICE_UUID="nowhere")["hospes"], "module2")[0] == "root=/dev/sda2"
    volume = menu(GRUB_DEVICE_UUID=known, GRUB_DEVICE="/dev/mapper/vg-root")["hospes"]
    assert words_of(volume, "module2")[0] == "root=/dev/mapper/vg-root"
    (tmp_path / "boot/initrd.img-6.1.0-28-amd64").unlink()
    assert "--nounzip" not in menu(kernels=())["hospes"]


def test_a_subvolume_is_named(menu):
    assert words_of(menu(GRUB_FS="btrfs")["hospes"], "module2")[2] == "rootflags=subvol=@root"


def test_a_kernel_that_cannot_be_dom0_has_no_entry(menu, tmp_path):
    menu(kernels=("6.1.0-28-amd64", "6.1.0-29-cloud-amd64"))
    (tmp_path / "boot/config-6.1.0-28-amd64").write_text("CONFIG_XEN_DOM0=y\n")
    (tmp_path / "boot/config-6.1.0-29-cloud-amd64").write_text("# CONFIG_XEN_DOM0 is not set\n")
    entries = menu()
    assert "vmlinuz-6.1.0-28-amd64" in entries["hospes"] and not [name for name in entries if "cloud" in name]


def test_without_a_hypervisor_there_is_nothing(menu):
    assert menu(hypervisors=()) == {}
