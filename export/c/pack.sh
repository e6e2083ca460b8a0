#!/bin/sh
# Writes the package of the C library, mim-VERSION.tar.gz, into the folder OUT:
#
#     export/c/pack.sh OUT
#
# The archive has the CMake project, and in the folder `single` the library as two files. Needs GNU tar.
set -eu
test $# = 1 || { echo "usage: export/c/pack.sh OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(awk '$2 ~ /^MIM_VERSION_(MAJOR|MINOR|PATCH)$/ { printf "%s%s", dot, $3; dot = "." }' "$here/include/mim_version.h")
package=$work/mim-$version
mkdir "$package"
(cd "$here" && cp -R CMakeLists.txt README.md mim.pc.in include src "$package" && mkdir "$package/test" &&
    cp test/main.c test/check.h test/test_laws.c "$package/test" && cp ../../LICENSE "$package/LICENSE")
"$here/amalgamate.sh" "$package/single"
# The same sources give the same bytes.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='1980-01-01 00:00Z' -C "$work" -cf - "mim-$version" |
    gzip -9n > "$out/mim-$version.tar.gz"
echo "$out/mim-$version.tar.gz"
