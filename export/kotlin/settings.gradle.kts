// The build for apps. It needs Gradle 8.11 or newer, Android Studio's plugin and Google's Maven repository; without them,
// pom.xml builds and tests the same sources.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "mim-tf"
include(":scorer", ":android", ":sample")
