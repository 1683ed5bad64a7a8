// SPDX-License-Identifier: MIT
/// Which virtualization extension this machine has, and the platform verdict about it. (design.md 5)
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/svm/svm.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"

namespace hospes::arch {

namespace {

Virtualization* chosen = nullptr;

void refuse(svm::Svm::Verdict verdict)
{
    using Verdict = svm::Svm::Verdict;
    switch (verdict) {
    case Verdict::Usable: return;
    case Verdict::Absent:
        refuse_to_boot("CPU virtualization (SVM): absent. Hospes needs an AMD processor with SVM; if this is a virtual "
                       "machine, allow nested virtualization for it");
    case Verdict::LockedByFirmware:
        refuse_to_boot(
            "CPU virtualization (SVM): locked by the firmware. Enable \"SVM Mode\" or \"AMD-V\" in its setup");
    case Verdict::NoNestedPaging:
        refuse_to_boot("nested paging (NPT): absent. Hospes needs it; if this is a virtual machine, have its CPU model "
                       "offer npt");
    }
}

}

void initialize_virtualization()
{
    static svm::Svm svm;
    refuse(svm::Svm::examine());
    chosen = &svm;
    CapabilityReport const report = chosen->report();
    log_info("CPU virtualization: {} in use; nested paging in use, 1 GiB pages {}; next instruction pointer {}; {} "
             "address space ids",
             report.extension, report.huge_pages ? "in use" : "absent", report.next_rip ? "in use" : "absent, decoding",
             report.address_space_ids);
}

Virtualization& virtualization() { return *chosen; }

}
