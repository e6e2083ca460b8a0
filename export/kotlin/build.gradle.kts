plugins {
    kotlin("jvm") version "2.2.21" apply false
    kotlin("android") version "2.2.21" apply false
    id("com.android.library") version "8.11.1" apply false
    id("com.android.application") version "8.11.1" apply false
}

allprojects {
    group = "io.github.mimtf"
    version = "0.2.0"
    // Maven writes to build/maven.
    layout.buildDirectory = layout.projectDirectory.dir("build/gradle")
}
