import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("com.android.application")
    kotlin("android")
}

android {
    namespace = "io.github.mimtf.sample"
    compileSdk = 36
    defaultConfig {
        applicationId = "io.github.mimtf.sample"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = version.toString()
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }
    androidResources { noCompress += "tflite" }
    sourceSets["test"].kotlin.setSrcDirs(emptyList<String>())
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_11
        allWarningsAsErrors = true
    }
}

// The files of the bundle that an app ships become the assets mim/...
abstract class BundleAssets : Sync() {
    @get:OutputDirectory
    abstract val assets: DirectoryProperty
}

val bundleAssets = tasks.register<BundleAssets>("bundleAssets") {
    assets = layout.buildDirectory.dir("bundle")
    // In a bundle this folder is scorer/kotlin.
    from(rootDir.resolve(if (rootDir.resolve("../../manifest.json").exists()) "../.." else "../released")) {
        include("mim.tflite", "manifest.json", "LICENSE", "LICENSE.EfficientNet-Lite0")
        into("mim")
    }
    into(assets)
}

androidComponents {
    onVariants { it.sources.assets?.addGeneratedSourceDirectory(bundleAssets, BundleAssets::assets) }
}

dependencies {
    implementation(project(":android"))
    implementation("com.google.ai.edge.litert:litert:2.1.5")
    implementation("androidx.activity:activity-ktx:1.11.0")
    implementation("androidx.camera:camera-camera2:1.5.1")
    implementation("androidx.camera:camera-view:1.5.1")
}
