#!/bin/sh
# Builds the scorer and runs its tests, offline. Requirements on Debian 12:
#
#     apt-get install openjdk-17-jre-headless junit4 libandroid-json-java libjna-java
#     pip install kotlin-jupyter-kernel==0.19.0.944 ai-edge-litert==2.3.0
#
# The first Python package contains the Kotlin compiler (2.4.0-dev-6891) and its library (2.3.10-RC), the second LiteRT's
# shared library. PYTHON selects the interpreter that has them (default python3), MIM_BUNDLE the bundle (default the
# released one). Exit status 77: a requirement is missing, and the last line names it.
set -eu
test -z "${MIM_BUNDLE:-}" || MIM_BUNDLE=$(cd "$MIM_BUNDLE" && pwd)
cd "$(dirname "$0")"

missing() {
    echo "$1 is missing; $2"
    exit 77
}

PYTHON="${PYTHON:-python3}"
package() {
    "$PYTHON" -c 'import importlib.util, sys
found = importlib.util.find_spec(sys.argv[1])
print(found.submodule_search_locations[0] if found else "")' "$1"
}

command -v "$PYTHON" > /dev/null || missing "$PYTHON" "set PYTHON to a Python 3.10 or newer"
command -v java > /dev/null || missing "java" "apt-get install openjdk-17-jre-headless"
libraries=/usr/share/java
for name in junit4 hamcrest com.android.json jna; do
    test -f "$libraries/$name.jar" ||
        missing "$libraries/$name.jar" "apt-get install junit4 libandroid-json-java libjna-java"
done
compiler=$(package run_kotlin_kernel)
test -n "$compiler" || missing "the Kotlin compiler" "pip install kotlin-jupyter-kernel==0.19.0.944"
LITERT=$(package ai_edge_litert)/libLiteRt.so
test -f "$LITERT" || missing "libLiteRt.so" "pip install ai-edge-litert==2.3.0"
export LITERT

# In a bundle these sources are in scorer/kotlin.
if test -f ../../manifest.json; then beside=../..; else beside=../released; fi
export MIM_BUNDLE="${MIM_BUNDLE:-$beside}"

stdlib=$(echo "$compiler"/jars/kotlin-stdlib-*.jar)
tools="$libraries/com.android.json.jar:$libraries/junit4.jar:$libraries/hamcrest.jar:$libraries/jna.jar"
kotlinc() {
    java -Xmx1g -cp "$compiler/jars/*" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler \
        -no-stdlib -no-reflect -jvm-target 11 -language-version 2.1 -Werror "$@"
}
rm -rf build
# The README's code for apps, one file per block, compiled with the stand-ins for Android in test/android.
mkdir -p build/readme
awk '/^```/ { inside = !inside && /^```kotlin/; first = inside; next }
    first { name = /^package / ? "build/readme/Block" ++count ".kt" : ""; first = 0 }
    inside && name { print > name }' README.md
kotlinc -cp "$stdlib:$libraries/com.android.json.jar" -d build/main src
kotlinc -cp "$stdlib:$tools:build/main" -d build/test test build/readme
classes="$stdlib:$tools:build/main:build/test"
java -Djava.awt.headless=true -cp "$classes" org.junit.runner.JUnitCore \
    mim.ImageTest mim.ResampleTest mim.StagesTest mim.BundleTest mim.GoldenTest mim.ScorerTest mim.LiteRtTest app.ReadmeTest
# For `mim-tf verify`, which runs the compiled scorer: java @build/scores
echo "-Djava.awt.headless=true -cp \"$classes\" mim.ScoresKt" > build/scores
