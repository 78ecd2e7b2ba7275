# How the engine is compiled and linked: one list for setup.py, which builds what is shipped, and for
# the Makefile, which builds what is tested. A line each: NAME := words.

STANDARD := -std=c17 -D_GNU_SOURCE
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wno-format-nonliteral
# -UNDEBUG, -fwrapv: whatever the Python at hand was built with.
SHIPPED := -O2 -g -UNDEBUG -fwrapv -fvisibility=hidden
# Bounds of buffers that the compiler knows, and the stack's return addresses.
HARDENED := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
# Where calls and returns may lead: of these processors only.
HARDENED_x86_64 := -fcf-protection
# All symbols bound at the start, then read-only; no stack that runs.
LINKED := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
LIBRARIES := curl pq yajl expat z isal lz4 crypto
