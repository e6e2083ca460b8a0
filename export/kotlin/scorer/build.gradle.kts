import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    kotlin("jvm")
    `maven-publish`
}

java {
    sourceCompatibility = JavaVersion.VERSION_11
    targetCompatibility = JavaVersion.VERSION_11
    withSourcesJar()
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_11
        allWarningsAsErrors = true
    }
}

dependencies {
    compileOnly("org.json:json:20250517") // Android has it; elsewhere an app adds it
}

// The tests run with Maven; see README.md.
tasks.named("compileTestKotlin") { enabled = false }

publishing {
    publications {
        create<MavenPublication>("release") {
            artifactId = "mim-scorer"
            from(components["java"])
        }
    }
}
