#!/bin/sh
# clang-tidy of the given C files, by .clang-tidy and the flags of csrc/flags.mk.
cd "$(dirname "$0")/../.." || exit 2
standard=$(sed -n 's/^STANDARD := //p' csrc/flags.mk)
# shellcheck disable=SC2086
exec clang-tidy --quiet "$@" -- $standard -Icsrc -Icsrc/include -I"$(pg_config --includedir)" 2>/dev/null
