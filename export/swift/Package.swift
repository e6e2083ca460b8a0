// swift-tools-version:5.5
import PackageDescription

let package = Package(
    name: "MimScorer",
    platforms: [.iOS(.v13), .macOS(.v11)],
    products: [.library(name: "MimScorer", targets: ["MimScorer"])],
    targets: [
        // mim.c includes the sources of ../c, because the path of a target may not leave the package.
        .target(name: "CMim"),
        .target(name: "MimScorer", dependencies: ["CMim"]),
        .executableTarget(name: "mim-gate", dependencies: ["MimScorer"]),
    ]
)
