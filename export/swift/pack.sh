#!/bin/sh
# Writes the Swift package, MimScorer-VERSION.tar.gz, into the folder OUT:
#
#     export/swift/pack.sh OUT
#
# Needs GNU tar. The version is that of the C library inside.
set -eu
test $# = 1 || { echo "usage: export/swift/pack.sh OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(awk '$2 ~ /^MIM_VERSION_(MAJOR|MINOR|PATCH)$/ { printf "%s%s", dot, $3; dot = "." }' \
    "$here/Sources/CMim/include/mim.h")
mkdir "$work/MimScorer"
(cd "$here" && cp -R Package.swift README.md Sources Tests "$work/MimScorer" && cp ../../LICENSE "$work/MimScorer/LICENSE")
# The same sources give the same bytes.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='1980-01-01 00:00Z' -C "$work" -cf - MimScorer |
    gzip -9n > "$out/MimScorer-$version.tar.gz"
echo "$out/MimScorer-$version.tar.gz"
