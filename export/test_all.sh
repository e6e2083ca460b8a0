#!/usr/bin/env bash
# Builds and tests every target of a bundle, and prints one table:
#
#     export/test_all.sh [--strict] [BUNDLE [MICRO]]
#
# BUNDLE, of the method mim, and MICRO, a bundle for microcontrollers, are the released ones by default. PYTHON selects
# a Python with mim-tf and its extra `test`; the default is that of .venv, else python3. Missing requirements are
# installed: Debian packages if apt-get may be used, the rest from PyPI and npm into folders that git ignores. The C++
# sources of tflite-micro are not installed; TFLM is their folder. A target whose requirements are still missing is
# listed as missing, which is a failure only with --strict. The exit status is 1 if anything failed.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
strict=
test "${1:-}" != --strict || { strict=1; shift; }
BUNDLE=$(cd "${1:-$root/export/released}" && pwd) || exit 2
MICRO=$(cd "${2:-$root/export/released_micro}" && pwd) || exit 2
export MIM_BUNDLE=$BUNDLE
log=$(mktemp)
trap 'rm -f "$log"' EXIT
. "$root/export/rows.sh"

c=$root/export/c
make=(make -C "$c" BUNDLE="$BUNDLE" PYTHON="$PYTHON")
rm -rf "$c/build" # its golden.h may be from another bundle
if need "C99, gcc" "make test" "gcc g++ make" gcc g++ make; then
    check "C99, gcc" "make test" '[0-9]+ checks' "${make[@]}" test
    check "C++11, g++" "make cxx" '[0-9]+ checks' "${make[@]}" cxx
fi
if need "C99, clang" "make test asan fuzz" "clang make" clang make; then
    check "C99, clang" "make test CC=clang" '[0-9]+ checks' "${make[@]}" test CC=clang
    check "C in two files" "make amalgamation" '[0-9]+ checks' "${make[@]}" amalgamation
    runtime=$(clang -print-resource-dir)/lib/linux/libclang_rt.fuzzer-$(uname -m).a
    if need "C99, sanitizers" "make asan fuzz" "$runtime" "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"; then
        check "C99, ASan and UBSan" "make asan" '[0-9]+ checks' "${make[@]}" asan
        check "C99, libFuzzer" "make fuzz FUZZ_SECONDS=10" 'Done [0-9]+ runs' "${make[@]}" fuzz FUZZ_SECONDS=10
    fi
fi
if need "Cortex-M4F, M3, M0" "make arm" "arm-none-eabi-gcc qemu-system-arm make" \
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm make; then
    check "Cortex-M4F, M3, M0" "make arm, in QEMU" '[0-9]+ checks' "${make[@]}" arm
fi

if test -n "${TFLM:-}"; then
    micro=(make -C "$root/export/micro" BUNDLE="$MICRO" PYTHON="$PYTHON" TFLM="$TFLM" ${TFLM_THIRD_PARTY:+TFLM_THIRD_PARTY="$TFLM_THIRD_PARTY"})
    rm -rf "$root/export/micro/build"
    check "TFLM, C++ application" "make -C micro test" '[0-9]+ of' "${micro[@]}" test
else
    row "TFLM, C++ application" "make -C micro test" 0 "missing: TFLM, a folder of tflite-micro's sources" -
fi

if need "Kotlin, JVM and Android" "kotlin/test.sh" mvn maven openjdk-17-jre-headless; then
    check "Kotlin, JVM and Android" "kotlin/test.sh" 'OK \([0-9]+ tests' sh "$root/export/kotlin/test.sh"
fi
check "Swift" "swift/test.sh" 'Executed [0-9]+ tests' sh "$root/export/swift/test.sh"

web=$root/export/web
if ! present node npm || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    row "TypeScript" "npm test" 0 "missing: Node 20 or newer" 0
elif ! { test "$web/node_modules/.package-lock.json" -nt "$web/package-lock.json" || npm --prefix "$web" ci; } > "$log" 2>&1; then
    row "TypeScript" "npm test" 0 "missing: npm ci in export/web" 0
else
    check "TypeScript, Node" "lint, build, vitest" 'Tests +[0-9]+ passed' bash -c 'cd "$1" && npm run lint &&
        npm run build && npx vitest run --exclude test/browser.test.ts' - "$web/scorer"
    check "Web app, Node" "build, vitest" 'Tests +[0-9]+ passed' bash -c 'cd "$1" && npm run build && npx vitest run' - "$web/app"
    if need "TypeScript, Chromium" "vitest" chromium chromium; then
        check "TypeScript, Chromium" "vitest" 'Tests +[0-9]+ passed' bash -c 'cd "$1" &&
            npx vitest run test/browser.test.ts' - "$web/scorer"
        check "TypeScript, Chromium" "made photographs" '[0-9]+ passed' "$PYTHON" -m pytest -n0 -q -k made \
            "$root/tests/targets/test_web.py"
        check "Web app, Chromium" "Playwright, axe, Lighthouse" '[0-9]+ passed' npm --prefix "$web/app" run e2e
    fi
fi

if test -z "${MIM_TFLITE_PYTHON:-}" && present python3.11 &&
    environment .venv-tflite python3.11 'numpy==1.26.4' Pillow 'tflite-runtime==2.14.0' &&
    environment .venv-tflite python3.11 --no-deps "$root"; then
    export MIM_TFLITE_PYTHON=$root/.venv-tflite/bin/python
fi
# After the others, because it runs the scorers that they have built.
echo "== mim-tf verify" >&2
began=$SECONDS
if timeout --kill-after=10 300 "$PYTHON" - "$BUNDLE" "$MICRO" > "$log.tsv" 2> "$log" << 'END'
import sys

from mim_export.check.verify import verify

targets = {
    "litert": "Python, ai-edge-litert",
    "tflite-runtime": "Python, tflite-runtime",
    "tflm": "TensorFlow Lite Micro",
    "numpy": "Scorer, numpy",
    "c": "Scorer, C",
    "typescript": "Scorer, TypeScript",
    "kotlin": "Scorer, Kotlin",
}
rows = [row for bundle in sys.argv[1:] for row in verify(bundle)]
for name, target in targets.items():
    mine = [row for row in rows if row.runtime in (name, f"{name}-reference")]
    bad = [row.status for row in mine if row.bad]
    absent = [row.status for row in mine if row.status.startswith("not present: ")]
    result = "FAILED" if bad else absent[0].replace("not present", "missing") if absent else "passed"
    print(target, "mim-tf verify", sum(row.images for row in mine), result, sep="\t")
END
then
    seconds=$((SECONDS - began)) # for all these rows
    while IFS= read -r line; do
        rows+=("$line"$'\t'"$seconds")
        seconds=-
    done < "$log.tsv"
else
    tail -n 3 "$log" >&2
    row "Python" "mim-tf verify" 0 FAILED $((SECONDS - began))
fi
rm -f "$log.tsv"

modules=(-MCompress::Zlib -MJSON::PP -MList::Util=sum0)
if perl "${modules[@]}" -e1 2> /dev/null; then
    check "Perl, independent" "tests/targets/contract.pl" '\.\.[0-9]+' perl "$root/tests/targets/contract.pl" "$BUNDLE" "$MICRO"
else
    row "Perl, independent" "tests/targets/contract.pl" 0 "missing: apt-get install perl" 0
fi

print_rows ${strict:+strict}
