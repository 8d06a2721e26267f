#!/usr/bin/env bash
# build.sh - configures a preset if need be, and builds.
#
#   tools/dev/build.sh [TARGET...]                   all, or the targets, into
#                                                    build/
#   tools/dev/build.sh --preset NAME [TARGET...]     into build-NAME/
#
# As many jobs as cores, but no more than memory allows: a source file that
# includes much of MLIR takes 1.5 GB to compile.
set -euo pipefail
cd "$(dirname "$0")/../.."

preset=release
folder=build
if [ "${1-}" = --preset ]; then
  preset=${2:?error: build: --preset needs a name}
  shift 2
  [ "$preset" = release ] || folder=build-$preset
fi
cores=$(nproc)
fitting=$(awk '/^MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)
jobs=$((fitting < 1 ? 1 : fitting < cores ? fitting : cores))

if [ ! -e "$folder/build.ninja" ]; then
  echo "$folder: configuring"
  cmake --preset "$preset" -Wno-dev >/dev/null
fi
targets=()
if [ "$#" -gt 0 ]; then
  targets=(--target "$@")
fi
NINJA_STATUS="$folder: [%f/%t %es] " \
  cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
