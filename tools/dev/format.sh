#!/usr/bin/env bash
# format.sh - lays out all C and C++ files as .clang-format says.
#
#   tools/dev/format.sh            changes the files
#   tools/dev/format.sh --check    names what it would change, and fails
set -euo pipefail
cd "$(dirname "$0")/../.."

options=(-i)
if [ "${1-}" = --check ]; then
  options=(--dry-run --Werror)
fi
find compiler dialects runtime test tools -type f \
  \( -name '*.h' -o -name '*.c' -o -name '*.cpp' \) -print0 |
  xargs -0 -n 16 -P "$(nproc)" \
    /usr/lib/llvm-22/bin/clang-format "${options[@]}"
