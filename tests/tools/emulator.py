# SPDX-License-Identifier: MIT
"""How QEMU has to be started so that Hospes can run in it: accelerator and CPU model, for every program here that does."""
import os

ACCELERATOR = os.environ.get("ACCEL", "tcg")

# A host thread for each CPU, and so real races. No guest may run on the first CPU then: see accelerator_option().
THREADS = "tcg,thread=multi"

# TCG has no NRIP save, and gets the intercepts of RDTSCP and MONITOR wrong.
EMULATED_CPU = "EPYC,+svm,+npt,-nrip-save,-monitor,-rdtscp"


def accelerator_option(name=ACCELERATOR):
    """The argument of -accel. With TCG, one thread runs all CPUs, unless THREADS is asked for.

    QEMU 7.2 cannot run SVM guests with a thread per CPU: FLDENV, FRSTOR, FXRSTOR
    and XRSTOR on any CPU also change a flag word of the first CPU (target/i386/tcg/fpu_helper.c, cpu_set_fpus, which
    calls cpu_clear_ignne), with neither lock nor atomic instruction. Meanwhile the first CPU may leave its guest, and
    the old word brings nested paging back: the host's next fetch becomes a nested page fault with the host's RIP.
    A guest in a loop of FLDENV on the second CPU beside CPUID exits on the first shows it within a second. So whoever
    runs guests with a thread per CPU keeps them off the first one: it then never changes that word.
    """
    return "tcg,thread=single" if name == "tcg" else name
