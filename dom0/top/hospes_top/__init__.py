# SPDX-License-Identifier: MIT
"""hospes-top: what the machine's guests do, for those who look rather than type."""
