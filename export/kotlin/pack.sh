#!/bin/sh
# Writes the packages of a release into a folder, as a Maven repository: OUT/maven.
#
#     pack.sh OUT
#
# Requirements on Debian 12: apt-get install maven openjdk-17-jre-headless. Exit status 77: one is missing, and the last
# line names it.
set -eu
test $# = 1 || { echo "usage: pack.sh OUT"; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)/maven
cd "$(dirname "$0")"
command -v mvn > /dev/null || { echo "mvn is missing; apt-get install maven openjdk-17-jre-headless"; exit 77; }

version=0.2.0
kotlin=$(sed -n 's|.*<kotlin.version>\(.*\)</kotlin.version>.*|\1|p' pom.xml)
mkdir -p build/license/META-INF
cp ../../LICENSE build/license/META-INF/LICENSE
mvn -q -B -Dmaven.test.skip.exec=true package

# publish ARTIFACT FOLDER TYPE DESCRIPTION DEPENDENCY: with the sources and a pom that names no other module than those
# that are published.
publish() {
    to=$out/io/github/mimtf/$1/$version
    rm -rf "$to"
    mkdir -p "$to"
    cp "$2/build/maven/$1-$version.$3" "$2/build/maven/$1-$version-sources.jar" "$to"
    group=${5%%:*} rest=${5#*:}
    cat > "$to/$1-$version.pom" << END
<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>io.github.mimtf</groupId>
  <artifactId>$1</artifactId>
  <version>$version</version>
  <packaging>$3</packaging>
  <name>$1</name>
  <description>$4</description>
  <url>https://github.com/mim-tf/mim-tf</url>
  <licenses>
    <license>
      <name>Apache-2.0</name>
      <url>https://www.apache.org/licenses/LICENSE-2.0</url>
    </license>
  </licenses>
  <developers>
    <developer>
      <name>The mim-tf developers</name>
      <url>https://github.com/mim-tf</url>
    </developer>
  </developers>
  <scm>
    <connection>scm:git:https://github.com/mim-tf/mim-tf.git</connection>
    <url>https://github.com/mim-tf/mim-tf</url>
  </scm>
  <dependencies>
    <dependency>
      <groupId>$group</groupId>
      <artifactId>${rest%%:*}</artifactId>
      <version>${rest#*:}</version>
      <scope>compile</scope>
    </dependency>
  </dependencies>
</project>
END
    for file in "$to"/*; do sha1sum "$file" | cut -d' ' -f1 > "$file.sha1"; done
    ls "$to" | grep -v sha1
}

publish mim-scorer scorer jar "From decoded pixels to a verdict. Plain Kotlin for the JVM and Android." \
    "org.jetbrains.kotlin:kotlin-stdlib:$kotlin"
publish mim-android android aar "Decodes photographs, runs the model and uses CameraX on Android." \
    "io.github.mimtf:mim-scorer:$version"
