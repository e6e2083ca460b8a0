#!/bin/sh
# Installs the package in OUT, builds the application of its README.md with it, and judges the golden images of BUNDLE:
#
#     export/c/fresh.sh OUT BUNDLE
#
# The application is built in three ways: with find_package, with FetchContent from the archive, and with pkg-config. An
# image passes if all three programs print its golden verdict and reason, see test/fresh_golden.py. PYTHON (python3 by
# default) needs Pillow and ai-edge-litert, whose shared library runs the model. The last line is `N passed, M failed`;
# the exit status is 77 if a requirement is missing.
set -eu
test $# = 2 || { echo "usage: export/c/fresh.sh OUT BUNDLE" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$1" && pwd)
bundle=$(cd "$2" && pwd)
PYTHON=${PYTHON:-python3}
missing() { echo "$1 is missing; install $2"; exit 77; }
for program in cc cmake pkg-config "$PYTHON"; do
    command -v "$program" > /dev/null || missing "$program" "the Debian packages gcc, make, cmake, pkg-config and python3"
done
litert=$("$PYTHON" -c 'import importlib.util as u, PIL
print(u.find_spec("ai_edge_litert").submodule_search_locations[0])' 2> /dev/null)/libLiteRt.so || litert=
test -f "$litert" || missing "libLiteRt.so or Pillow" "ai-edge-litert==2.3.0 and Pillow for $PYTHON"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Runs a command, and prints the end of what it printed if it fails.
quietly() { "$@" > log 2>&1 || { tail -n 20 log >&2; exit 1; }; }

set -- "$out"/mim-*.tar.gz
test -f "$1" || { echo "$out has no mim-VERSION.tar.gz; run export/c/pack.sh $out" >&2; exit 2; }
archive=$1
tar xzf "$archive"
package=$(basename "$archive" .tar.gz)

# block NAME: the fenced block of the README after the line that names the file NAME.
block() {
    awk -v name="**\`$1\`**" '$0 == name { found = 1 } found && /^```$/ { exit } found > 1 { print }
        found == 1 && /^```./ { found = 2 }' "$package/README.md"
}
# build FOLDER: the application in a folder with its files.
build() {
    quietly cmake -S "$1" -B "$1/build" -DCMAKE_BUILD_TYPE=Release "-DBUNDLE=$bundle" "-DLITERT=$litert"
    quietly cmake --build "$1/build"
}

quietly cmake -S "$package" -B build -DCMAKE_BUILD_TYPE=Release
quietly cmake --build build
quietly ctest --test-dir build
quietly cmake --install build --prefix "$work/prefix"
mkdir found fetched
for project in found fetched; do
    block main.c > $project/main.c
    block litert.c > $project/litert.c
done
block CMakeLists.txt > found/CMakeLists.txt
CMAKE_PREFIX_PATH=$work/prefix
export CMAKE_PREFIX_PATH
build found
unset CMAKE_PREFIX_PATH
# The README has the address of a release; here it is that of the archive.
block fetch.cmake | sed "s|URL .*|URL file://$archive)|" > fetched/fetch.cmake
sed 's|^find_package.*|include(fetch.cmake)|' found/CMakeLists.txt > fetched/CMakeLists.txt
build fetched
# A project that contains the library does not install it.
quietly cmake --install fetched/build --prefix "$work/nothing"
test ! -e "$work/nothing" || { echo "the project with FetchContent installs mim; see MIM_INSTALL" >&2; exit 1; }
# Absolute folders stay as they are.
quietly cmake -S "$package" -B absolute -DCMAKE_INSTALL_LIBDIR=/opt/lib
grep -qx libdir=/opt/lib absolute/mim.pc || { echo "mim.pc has a wrong libdir" >&2; exit 1; }
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name mim.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # flags are separate words
quietly cc -O2 "-I$bundle" found/main.c found/litert.c $(pkg-config --cflags --libs mim) "$litert" \
    "-Wl,-rpath,$(dirname "$litert")" -o piped

"$PYTHON" "$here/test/fresh_golden.py" write "$bundle" .
for image in [0-9]*.ppm; do
    for program in found/build/judge fetched/build/judge ./piped; do
        $program "$bundle/mim.tflite" < "$image" 2> log > judged || tail -n 3 log >&2
        head -n 1 judged >> "$(dirname "$program")/lines"
    done
done
"$PYTHON" "$here/test/fresh_golden.py" compare "$bundle" found/build/lines fetched/build/lines lines
