/* SPDX-License-Identifier: MIT */
/* The C library's headers want this file when they are compiled for 32 bits; only its 32-bit package has one. It says
   which functions that library lacks. Nothing that is compiled with this one is linked with it. */
