import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("com.android.library")
    kotlin("android")
    `maven-publish`
}

android {
    namespace = "io.github.mimtf.android"
    compileSdk = 36
    defaultConfig {
        minSdk = 24
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    publishing {
        singleVariant("release") { withSourcesJar() }
    }
    // The tests run with Maven; see README.md.
    sourceSets["test"].kotlin.setSrcDirs(emptyList<String>())
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_11
        allWarningsAsErrors = true
    }
}

dependencies {
    api(project(":scorer"))
    // An app adds what it uses.
    compileOnly("com.google.ai.edge.litert:litert:2.1.5")
    compileOnly("androidx.camera:camera-core:1.5.1")
}

publishing {
    publications {
        create<MavenPublication>("release") {
            artifactId = "mim-android"
            afterEvaluate { from(components["release"]) }
        }
    }
}
