#!/bin/sh
# Builds the Swift package and runs its tests:
#
#     export/swift/test.sh [ARGUMENT OF swift test...]
#
# MIM_SWIFT_ROOT names the root folder of a Linux system with Swift, in which it runs instead (needs root; made for
# instance by `mmdebstrap --include=swiftlang,libc6-dev,libstdc++-14-dev trixie FOLDER http://deb.debian.org/debian`).
# MIM_BUNDLE names the bundle of the golden vectors; by default it is the released one. The exit status is 77 if there is
# no Swift.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/toolchain.sh"
bundle=${MIM_BUNDLE:-$(test -f "$here/../../manifest.json" && echo "$here/../.." || echo "$here/../released")}
in_swift "$here" "$(cd "$bundle" && pwd)" swift test \
    --package-path PACKAGE --scratch-path SCRATCH -c release -Xswiftc -enable-testing "$@"
