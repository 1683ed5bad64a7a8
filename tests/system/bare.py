# SPDX-License-Identifier: MIT
"""Machines whose boot path the test itself describes: Hospes with any kernel, started by one firmware or the other."""
import shutil

from machine import BUILD, FIRMWARE_UEFI, Scenario


class Bare(Scenario):
    """A small machine with a screen; `command` says what it boots."""

    def __init__(self, command, **settings):
        super().__init__(**({"cpus": 2, "memory": 512, "nic": "none", "iommu": "none"} | settings))
        object.__setattr__(self, "command", tuple(command))

    def _boot_options(self):
        return ["-device", "VGA", *self.command]


def multiboot(kernel, options):
    """QEMU itself loads everything; kernel may be None."""
    return ["-kernel", str(BUILD / "hospes.elf"), "-append", options, *(["-initrd", str(kernel)] if kernel else [])]


def system_partition(folder, files, configuration, firmware=None):
    """An EFI system partition that the firmware's boot manager starts hospes.efi from; files: name -> path. Another firmware than
    the usual one comes as QEMU's options."""
    volume = folder / "esp/EFI/BOOT"
    volume.mkdir(parents=True)
    for name, source in {"BOOTX64.EFI": BUILD / "hospes.efi", **files}.items():
        shutil.copy(source, volume / name)
    if configuration is not None:
        (volume / "hospes.cfg").write_text(configuration)
    return [*(firmware or ["-bios", FIRMWARE_UEFI]), "-drive", f"if=ide,format=raw,file=fat:rw:{folder / 'esp'}"]
