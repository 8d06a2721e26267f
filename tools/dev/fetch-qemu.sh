#!/usr/bin/env bash
# fetch-qemu.sh - a qemu-aarch64 that computes SME's outer products, for tests.
#
#   tools/dev/fetch-qemu.sh [FOLDER]       build/qemu if none is given
#
# Debian 12's own has them wrong; right ones come with 10.0, and SME2 with 11.1.
# The package qemu-user of trixie-backports is one static program for each
# machine. apt fetches and verifies it with lists and sources of its own, in
# FOLDER: what the system installs from does not change, nor what is installed.
# Does nothing if FOLDER has it. Exit status 1, and one line, where Debian's
# archive cannot be reached: tests that want it are skipped then.
set -euo pipefail
cd "$(dirname "$0")/../.."

suite=trixie-backports
folder=${1:-build/qemu}
keys=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "fetch-qemu: $*; tests of SME will be skipped" >&2
  exit 1
}

if [ -x "$folder/qemu-aarch64" ]; then
  exit 0
fi
command -v apt-get >/dev/null && [ -e "$keys" ] || fail "this is not Debian"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d "$folder/apt-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
echo "deb [arch=amd64 signed-by=$keys] http://deb.debian.org/debian $suite main" \
  >"$work/sources.list"
apt() {
  timeout 300 apt-get -q -o Dir::Etc::SourceList="$work/sources.list" \
    -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o Acquire::Languages=none \
    -o Acquire::http::Timeout=20 -o Acquire::Retries=1 \
    -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any "$@"
}
echo "fetch-qemu: fetching qemu-user of $suite"
apt update >"$work/log" 2>&1 || fail "Debian's $suite cannot be read"
(cd "$work" && apt download "qemu-user/$suite" >>log 2>&1) ||
  fail "qemu-user of $suite cannot be fetched"
# tar stops at the program, one of the first; dpkg-deb is cut off then.
dpkg-deb --fsys-tarfile "$work"/qemu-user_*.deb 2>/dev/null |
  tar -x -C "$work" --occurrence=1 ./usr/bin/qemu-aarch64 || true
"$work/usr/bin/qemu-aarch64" --version >"$work/version" 2>&1 ||
  fail "qemu-user of $suite does not run here"
mv "$work/usr/bin/qemu-aarch64" "$folder/qemu-aarch64"
echo "fetch-qemu: $(head -1 "$work/version")"
