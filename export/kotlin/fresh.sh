#!/bin/sh
# Installs the packed scorer into a fresh Maven project, and judges all golden images of a bundle with the code in the
# section "On the JVM" of README.md.
#
#     fresh.sh OUT BUNDLE
#
# OUT is what pack.sh wrote. The last line is "N passed, M failed". Requirements on Debian 12: apt-get install maven
# openjdk-17-jre-headless; and pip install ai-edge-litert==2.3.0 for the Python that PYTHON names (default python3), whose
# shared library runs the model. Exit status 77: one is missing, and the last line names it.
set -eu
test $# = 2 || { echo "usage: fresh.sh OUT BUNDLE"; exit 2; }
out=$(cd "$1" && pwd)/maven
MIM_BUNDLE=$(cd "$2" && pwd)
cd "$(dirname "$0")"

missing() {
    echo "$1 is missing; $2"
    exit 77
}

command -v mvn > /dev/null || missing "mvn" "apt-get install maven openjdk-17-jre-headless"
LITERT=${LITERT:-$("${PYTHON:-python3}" -c 'import ai_edge_litert; print(ai_edge_litert.__path__[0])' 2> /dev/null ||
    true)/libLiteRt.so}
test -f "$LITERT" || missing "libLiteRt.so" "pip install ai-edge-litert==2.3.0"
export MIM_BUNDLE LITERT

project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
sources=$project/src/main/kotlin
mkdir -p "$sources"
awk '/^## / { section = $0 } /^```/ { inside = !inside && /^```kotlin/ && section == "## On the JVM"; next } inside' \
    README.md > "$sources/Readme.kt"
# LiteRT over JNA, which the tests of the scorer use as well, and the loop over the golden images.
cp scorer/src/test/kotlin/io/github/mimtf/LiteRt.kt fresh/Main.kt "$sources"
sed "s|@REPOSITORY@|file://$out|" fresh/pom.xml > "$project/pom.xml"
cd "$project"
# An earlier run may have left another package of this version in Maven's cache.
{
    mvn -q -B dependency:purge-local-repository -DmanualInclude=io.github.mimtf:mim-scorer -DreResolve=false &&
        mvn -q -B compile dependency:build-classpath -Dmdep.outputFile=classpath &&
        java -Djava.awt.headless=true -cp "target/classes:$(cat classpath)" MainKt > results
} > log 2>&1 || { cat log; exit 1; }
cat results
