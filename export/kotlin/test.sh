#!/bin/sh
# Builds the modules and runs their tests with Maven, offline after the first run. Requirements on Debian 12:
#
#     apt-get install maven openjdk-17-jre-headless
#     pip install ai-edge-litert==2.3.0
#
# The Python package contains LiteRT's shared library. PYTHON selects the interpreter that has it (default python3),
# MIM_BUNDLE the bundle (default the released one). Exit status 77: a requirement is missing, and the last line names it.
set -eu
test -z "${MIM_BUNDLE:-}" || MIM_BUNDLE=$(cd "$MIM_BUNDLE" && pwd)
cd "$(dirname "$0")"

missing() {
    echo "$1 is missing; $2"
    exit 77
}

command -v mvn > /dev/null || missing "mvn" "apt-get install maven openjdk-17-jre-headless"
LITERT=${LITERT:-$("${PYTHON:-python3}" -c 'import ai_edge_litert; print(ai_edge_litert.__path__[0])' 2> /dev/null ||
    true)/libLiteRt.so}
test -f "$LITERT" || missing "libLiteRt.so" "pip install ai-edge-litert==2.3.0"
# In a bundle these sources are in scorer/kotlin.
if test -f ../../manifest.json; then beside=../..; else beside=../released; fi
MIM_BUNDLE="${MIM_BUNDLE:-$(cd $beside && pwd)}"
export LITERT MIM_BUNDLE

mkdir -p build
# The README's code for Android is compiled with the tests of the module android.
mkdir -p android/build/readme
awk '/^## / { section = $0 } /^```/ { inside = !inside && /^```kotlin/ && section == "## On Android"; next } inside' \
    README.md > android/build/readme/Readme.kt
mvn -B test dependency:build-classpath -Dmdep.outputFile=build/classpath > build/log 2>&1 || { cat build/log; exit 1; }
grep -E '^\[(INFO|WARNING)\] Tests run: .*Time elapsed|ms|within|levels at most' build/log
# For `mim-tf verify`, which runs the compiled scorer: java @build/scores
classes="$PWD/scorer/build/maven/classes:$PWD/scorer/build/maven/test-classes"
echo "-Djava.awt.headless=true -cp \"$classes:$(cat scorer/build/classpath)\" io.github.mimtf.ScoresKt" > build/scores
awk '/Tests run:.*Time elapsed/ { count += $4 } END { print "OK (" count " tests)" }' build/log
