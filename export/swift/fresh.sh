#!/bin/sh
# Installs the package in OUT in a new Swift package, and judges the golden images of BUNDLE with the class Judge of the
# package's README.md:
#
#     export/swift/fresh.sh OUT BUNDLE
#
# PYTHON (python3 by default) needs Pillow and ai-edge-litert, whose shared library runs the model, through `litert.c` of
# ../c/README.md. Swift is found as in test.sh. The last line is `N passed, M failed`; the exit status is 77 if a
# requirement is missing.
set -eu
test $# = 2 || { echo "usage: export/swift/fresh.sh OUT BUNDLE" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$1" && pwd)
bundle=$(cd "$2" && pwd)
PYTHON=${PYTHON:-python3}
litert=$("$PYTHON" -c 'import importlib.util as u, PIL
print(u.find_spec("ai_edge_litert").submodule_search_locations[0])' 2> /dev/null)/libLiteRt.so || litert=
test -f "$litert" || {
    echo "libLiteRt.so or Pillow is missing; install ai-edge-litert==2.3.0 and Pillow for $PYTHON"
    exit 77
}
. "$here/toolchain.sh"
set -- "$out"/MimScorer-*.tar.gz
test -f "$1" || { echo "$out has no MimScorer-VERSION.tar.gz; run export/swift/pack.sh $out" >&2; exit 2; }

# block FILE NAME: the fenced block of a README after the line that names the file NAME.
block() {
    awk -v name="**\`$2\`**" '$0 == name { found = 1 } found && /^```$/ { exit } found > 1 { print }
        found == 1 && /^```./ { found = 2 }' "$1"
}

made=$work/made
app=$made/app
mkdir -p "$app/Sources/judge" "$app/Sources/CLiteRt/include" "$made/lib"
tar xzf "$1" -C "$made"
cp "$litert" "$made/lib"
block "$made/MimScorer/README.md" Judge.swift > "$app/Sources/judge/Judge.swift"
block "$here/../c/README.md" litert.c > "$app/Sources/CLiteRt/litert.c"
cat > "$app/Sources/CLiteRt/include/CLiteRt.h" << 'END'
#include <stddef.h>
#include <stdint.h>
const char *run_verdict(const char *path, const uint8_t *image, size_t bytes, const char *const *names, void *values);
END
cat > "$app/Package.swift" << 'END'
// swift-tools-version:5.5
import PackageDescription

let litert: [LinkerSetting] = [.unsafeFlags(["-LLIB", "-lLiteRt", "-Xlinker", "-rpath", "-Xlinker", "LIB"])]
let package = Package(
    name: "judge",
    dependencies: [.package(path: "../MimScorer")],
    targets: [
        .target(name: "CLiteRt"),
        .executableTarget(name: "judge", dependencies: ["CLiteRt", "MimScorer"], linkerSettings: litert),
    ]
)
END
cat > "$app/Sources/judge/main.swift" << 'END'
import CLiteRt
import Foundation
import MimScorer

/// Runs the model with LiteRT's C library.
struct LiteRt: ModelRunner {
    let path: String

    func run(signature: String, image: [UInt8]) throws -> [String: Data] {
        let names = ["similarity", "novelty"]
        var values: [Float] = [.nan, .nan]
        var pointers: [UnsafePointer<CChar>?] = names.map { UnsafePointer(strdup($0)) }
        pointers.append(nil)
        if let problem = run_verdict(path, image, image.count, pointers, &values) {
            throw UnreadableError(text: String(cString: problem))
        }
        var outputs: [String: Data] = [:]
        for (name, value) in zip(names, values) { outputs[name] = withUnsafeBytes(of: value) { Data($0) } }
        return outputs
    }

    struct UnreadableError: Error { let text: String }
}

/// A photograph in the format PPM, with a header as Pillow writes it.
func readPPM(_ path: String) throws -> RGBPhoto {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let lines = bytes.split(separator: 10, maxSplits: 3, omittingEmptySubsequences: false)
    let sides = String(decoding: lines[1], as: UTF8.self).split(separator: " ").compactMap { Int($0) }
    return RGBPhoto(rgb: Array(lines[3]), width: sides[0], height: sides[1])
}

let arguments = CommandLine.arguments
let judge = try Judge(bundle: URL(fileURLWithPath: arguments[1])) { LiteRt(path: $0.path) }
for path in arguments.dropFirst(2) {
    print(judge.text(for: try readPPM(path)).split(separator: "\n")[0])
}
END
sed -i "s|LIB|${work#"$root"}/package/lib|g" "$app/Package.swift"
"$PYTHON" "$here/../c/test/fresh_golden.py" write "$bundle" "$made"
in_swift "$made" "$bundle" swift build --package-path PACKAGE/app --scratch-path SCRATCH -c release > "$work/log" 2>&1 ||
    { tail -n 30 "$work/log" >&2; exit 1; }
inside=${work#"$root"}
images=
for image in "$made"/*.ppm; do images="$images $inside/package/$(basename "$image")"; done
# shellcheck disable=SC2086 # paths without spaces
${root:+chroot "$root"} "$inside/build/release/judge" "$inside/bundle" $images > "$work/lines" 2> "$work/log" ||
    tail -n 5 "$work/log" >&2
# An undecided image is shown with an explanation.
sed -i 's/^undecided:.*/undecided/' "$work/lines"
"$PYTHON" "$here/../c/test/fresh_golden.py" compare "$bundle" "$work/lines"
