#!/usr/bin/env bash
# bootstrap.sh - installs what building and testing modelc needs.
#
# For Debian 12, as root or with sudo. Does nothing, and asks nobody, when all
# is there. LLVM 22 comes from Debian's own suite bookworm-security.
set -euo pipefail

packages=(
  # The compiler we build with, and what cmake, git and the scripts need.
  ca-certificates ccache clang-22 clang-format-22 cmake git libc6-dev
  libclang-rt-22-dev libstdc++-12-dev lld-22 ninja-build python3
  python3-jinja2 python3-numpy
  # Libraries.
  liblld-22-dev libmlir-22-dev llvm-22-dev llvm-22-tools mlir-22-tools
  libabsl-dev libgmock-dev libgtest-dev
  # Programs for AArch64, the runtime among them, and what runs them in tests.
  libc6-dev-arm64-cross libgcc-12-dev-arm64-cross
  libstdc++-12-dev-arm64-cross qemu-user
)

fail() {
  echo "error: bootstrap: $*" >&2
  exit 1
}

missing() {
  local package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
      grep -qx installed || echo "$package"
  done
}

command -v dpkg-query >/dev/null ||
  fail "needs Debian 12 (there is no dpkg here)"
mapfile -t wanted < <(missing)
if [ "${#wanted[@]}" -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    fail "needs root or sudo to install: ${wanted[*]}"
  as_root=(sudo)
fi
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}

echo "bootstrap: reading package lists"
apt update >/dev/null || fail "apt-get update failed"
for package in "${wanted[@]}"; do
  apt-cache show --no-all-versions "$package" >/dev/null 2>&1 ||
    fail "apt has no package $package; this needs Debian 12 with the suites" \
      "bookworm, bookworm-updates and bookworm-security in its sources"
done

echo "bootstrap: installing ${wanted[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One line for every 25 packages; all of apt's words if it fails.
if ! apt install --no-install-recommends "${wanted[@]}" 2>&1 | tee "$log" |
  awk '/^Get:/ && ++fetched % 25 == 0 { print "bootstrap: fetched " fetched }
       /^Setting up/ && ++ready % 25 == 0 { print "bootstrap: set up " ready }
       { fflush() }'; then
  cat "$log" >&2
  fail "apt-get install failed"
fi
mapfile -t wanted < <(missing)
[ "${#wanted[@]}" -eq 0 ] || fail "still missing: ${wanted[*]}"
echo "bootstrap: done"
