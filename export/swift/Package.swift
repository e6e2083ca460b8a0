// swift-tools-version:5.5
import PackageDescription

let package = Package(
    name: "MimScorer",
    platforms: [.iOS(.v13), .macOS(.v11)],
    products: [.library(name: "MimScorer", targets: ["MimScorer"])],
    targets: [
        // The C library as two files: ../c/amalgamate.sh wrote them.
        .target(name: "CMim", linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),
        .target(name: "MimScorer", dependencies: ["CMim"]),
        .testTarget(name: "MimScorerTests", dependencies: ["MimScorer"]),
    ]
)
