// SPDX-License-Identifier: MIT
/// Errors are values. The numbers are the guest ABI's, so that a handler's error
/// reaches the guest as it is. (xen/include/public/errno.h)
#pragma once

#include <expected>

#include "kernel/lib/integers.hpp"

namespace hospes {

enum class Error : int {
    NotPermitted = 1,    // EPERM
    NotFound = 2,        // ENOENT
    NoSuchDomain = 3,    // ESRCH
    InputOutput = 5,     // EIO
    NoSuchAddress = 6,   // ENXIO
    TooBig = 7,          // E2BIG
    TryAgain = 11,       // EAGAIN
    OutOfMemory = 12,    // ENOMEM
    AccessDenied = 13,   // EACCES
    BadAddress = 14,     // EFAULT
    Busy = 16,           // EBUSY
    Exists = 17,         // EEXIST
    CrossDevice = 18,    // EXDEV
    NoSuchDevice = 19,   // ENODEV
    Invalid = 22,        // EINVAL
    NoSpace = 28,        // ENOSPC
    OutOfRange = 34,     // ERANGE
    Deadlock = 35,       // EDEADLK
    NotImplemented = 38, // ENOSYS
    NoData = 61,         // ENODATA
    TimeExpired = 62,    // ETIME
    Restart = 85,        // ERESTART; internal: run the same hypercall again, never seen by a guest
    NotSupported = 95,   // EOPNOTSUPP
    NoBufferSpace = 105, // ENOBUFS
};

template <typename T = void>
using Expected = std::expected<T, Error>;

[[nodiscard]] constexpr std::unexpected<Error> failure(Error error) { return std::unexpected{error}; }

}
