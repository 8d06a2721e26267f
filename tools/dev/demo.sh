#!/usr/bin/env bash
# demo.sh - from a fresh clone on a bare Debian 12 to a story.
#
# Installs what is missing, builds the two tools it needs, compiles the demo
# model for this machine (unless that is done), and lets it tell its story.
set -euo pipefail
cd "$(dirname "$0")/../.."

model=test/inputs/stories2M-llama-q8_0.gguf
plan=build/demo/stories2M.mplan

tools/dev/bootstrap.sh
tools/dev/build.sh modelc modelc-run
if [ ! "$plan" -nt "$model" ] || [ ! "$plan" -nt build/bin/modelc ]; then
  mkdir -p "$(dirname "$plan")"
  # The report's last lines: what came of it.
  build/bin/modelc compile "$model" --target=native -o "$plan" | tail -n 4
fi
echo
build/bin/modelc-run "$plan" -p "Once upon a time" -n 200 --temp 0
echo
