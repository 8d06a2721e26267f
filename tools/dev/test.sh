#!/usr/bin/env bash
# test.sh - builds everything and runs every test.
#
#   tools/dev/test.sh [ctest options]      for example -R lit/fuse
#
# Two builds: build/ with all tests, build-fuzz/ with the fuzz targets alone,
# each of which runs for a few seconds. The last line is the sum,
# `N passed, N failed, N skipped`; the exit status is 1 if a test failed or
# none passed. The lines before it name what was skipped, and why.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Tests that fail do not stop the script: they are in the result file.
run_tests() {
  local folder=$1
  shift
  rm -f "$folder/test-results.xml"
  ctest --test-dir "$folder" -j "$(nproc)" --output-on-failure --timeout 900 \
    --output-junit test-results.xml "$@" || true
  results+=("$folder/test-results.xml")
}

tools/dev/bootstrap.sh
tools/dev/build.sh
# Without it the tests of SME are skipped, and counted as such.
tools/dev/fetch-qemu.sh || true
results=()
run_tests build "$@"

if [ "$#" -eq 0 ]; then
  tools/dev/build.sh --preset fuzz
  run_tests build-fuzz
fi
/usr/bin/python3 tools/dev/count-tests.py "${results[@]}"
