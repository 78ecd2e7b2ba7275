#!/usr/bin/env bash
# clang-tidy of the given C files, by .clang-tidy and the flags of csrc/flags.mk.
set -euo pipefail
cd "$(dirname "$0")/../.."
read -ra standard <<<"$(sed -n 's/^STANDARD := //p' csrc/flags.mk)"
python=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')
# How many warnings it has left out is no news.
exec clang-tidy --quiet "$@" -- "${standard[@]}" -DPy_LIMITED_API=0x030b0000 \
  -Icsrc -Icsrc/include -isystem "$(pg_config --includedir)" -isystem "$python" \
  2> >(grep -vE '^[0-9]+ warnings? generated\.$|^$' >&2)
