#!/usr/bin/env bash
# Makes the packages of a release, installs each into a fresh project with its own package manager, scores the golden
# images there, and prints one table:
#
#     export/test_packages.sh [--strict] [BUNDLE]
#
# BUNDLE is the released one by default. PYTHON is as in release.sh, and OUT keeps the packages in a folder. A package
# whose requirements are missing is listed as missing, which is a failure only with --strict. The exit status is 1 if
# anything failed.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
strict=
test "${1:-}" != --strict || { strict=1; shift; }
bundle=$(cd "${1:-$root/export/released}" && pwd) || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
out=${OUT:-$work/release}
. "$root/export/rows.sh"

check "all" "export/release.sh" '[0-9]+ files of packages' "$root/export/release.sh" "$out" "$bundle"
images='[0-9]+ passed, 0 failed'
check "Python, wheel" "pip install" "$images" "$root/export/fresh_python.sh" "$out" "$bundle"
check "C" "find_package, FetchContent, pkg-config" "$images" "$root/export/c/fresh.sh" "$out" "$bundle"
check "Swift" "swift build" "$images" "$root/export/swift/fresh.sh" "$out" "$bundle"
check "Kotlin, JVM" "Maven" "$images" "$root/export/kotlin/fresh.sh" "$out" "$bundle"
check "npm" "npm install; Vite, Chromium" "$images" "$root/export/web/fresh.sh" "$out" "$bundle"
print_rows ${strict:+strict}
