# SPDX-License-Identifier: MIT
"""The machines that Bochs plays: which test guests run on each, why one cannot, and where Hospes has to refuse."""
import dataclasses
import pathlib

BIOS = pathlib.Path("/usr/share/bochs/BIOS-bochs-latest")
UNLOCKED_BIOS = pathlib.Path("/usr/share/seabios/bios.bin")  # leaves VMX to be locked by whoever comes next


@dataclasses.dataclass(frozen=True)
class Machine:
    """A processor model of Bochs' and how many of them."""
    model: str
    cpus: int = 1

    def __str__(self):
        return f"{self.model}:{self.cpus}"

    @staticmethod
    def parse(text):
        """'MODEL' or 'MODEL:CPUS', after an optional 'bochs:'."""
        model, _, cpus = text.removeprefix("bochs:").partition(":")
        return Machine(model, int(cpus or 1))

    def cannot_run(self, name):
        """Why this machine cannot run that test guest; empty if it can."""
        return NOWHERE.get(name) or BROKEN_THERE.get((name, self.model), "")


SKYLAKE = Machine("corei7_skylake_x")  # VMX and EPT with APIC-register virtualization and virtual-interrupt delivery
TWO_SKYLAKES = Machine("corei7_skylake_x", 2)
ARRANDALE = Machine("corei5_arrandale_m520")  # the first with unrestricted guest: no APIC virtualization, no XSAVE
RYZEN = Machine("ryzen")  # SVM with NRIP save

# Every guest that can be dom0's payload runs on each of these, unless a reason below says no.
MACHINES = (SKYLAKE, TWO_SKYLAKES, ARRANDALE, RYZEN)
NOWHERE = {"dma_attack": "Bochs has no IOMMU, and no device to attack with"}
# Where Bochs 2.7 itself is wrong.
BROKEN_THERE = {
    ("exceptions", "ryzen"): "its SVM raises a guest's single step in the host, and leaves DR6 alone at a #DB",
    ("instructions", "ryzen"): "it lets a guest set CR0.PG without PE, and stops in a panic of its own",
    ("triple_fault", "ryzen"): "it stops in a panic of its own before its SVM could exit for the triple fault",
}

# What `make check` has time for.
SHORT = (("instructions", SKYLAKE), ("smp", TWO_SKYLAKES), ("local_apic", TWO_SKYLAKES), ("local_apic", ARRANDALE),
         ("level_interrupt", SKYLAKE), ("exceptions", ARRANDALE), ("entry_failure", SKYLAKE), ("entry_failure", RYZEN),
         ("saved_events", SKYLAKE), ("event_fifo", SKYLAKE), ("clock", SKYLAKE), ("stopped_timers", SKYLAKE), ("lives", SKYLAKE),
         ("lives", TWO_SKYLAKES), ("hypercall_fuzz", TWO_SKYLAKES), ("narrow_flat", SKYLAKE), ("narrow_pae", SKYLAKE),
         ("compatibility_mode", SKYLAKE), ("real_mode", TWO_SKYLAKES))


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A machine that Hospes cannot run on, and what it has to say there."""
    name: str
    machine: Machine
    says: str
    setup: str = ""  # what GRUB does first, as firmware might have done
    bios: pathlib.Path = BIOS


REFUSALS = (
    Refusal("vmx_locked_off", SKYLAKE, "CPU virtualization (VMX): locked off by the firmware. Enable", "wrmsr 0x3a 1",
            UNLOCKED_BIOS),
    Refusal("no_vmx", Machine("p4_prescott_celeron_336"), "CPU virtualization (VMX): absent"),
    Refusal("no_svm", Machine("athlon64_clawhammer"), "CPU virtualization (SVM): absent"),
    Refusal("no_unrestricted_guest", Machine("corei5_lynnfield_750"), "this processor has no unrestricted guest"),
)
