import Foundation
import MimScorer
import XCTest

/// The bundle that `MIM_BUNDLE` names, by default the released one of the project.
let bundle: URL = {
    if let path = ProcessInfo.processInfo.environment["MIM_BUNDLE"] { return URL(fileURLWithPath: path) }
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return package.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("released")
}()

/// - Throws: `XCTSkip` if there is no bundle, as beside the unpacked package.
func readManifest() throws -> Data {
    let path = bundle.appendingPathComponent("manifest.json")
    guard let content = try? Data(contentsOf: path) else {
        throw XCTSkip("\(path.path) is missing; run MIM_BUNDLE=BUNDLE swift test")
    }
    return content
}

/// `golden/golden.json`.
struct Golden: Decodable {
    struct Image: Decodable {
        let name: String
        let similarity: Double
        let novelty: Double
        let p_class: Double
        let p_other: Double
        let verdict: String
        let reason: String?
    }
    struct Decision: Decodable {
        let similarity: Double
        let p_class: Double
        let p_other: Double
        let verdict: String
    }
    let images: [Image]
    let decisions: [Decision]

    static func read() throws -> Golden {
        let url = bundle.appendingPathComponent("golden/golden.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }

    /// A file of the image with this number, such as `input` or `resampled`.
    static func photo(_ number: Int, _ kind: String) throws -> RGBPhoto {
        let digits = number < 10 ? "0\(number)" : "\(number)"
        return try readPNG(bundle.appendingPathComponent("golden/\(digits)_\(kind).png"))
    }
}

/// Gives outputs that a test chooses, and keeps the image.
final class StandIn: ModelRunner {
    var outputs: [String: Data] = [:]
    var image: [UInt8]?
    var signature: String?

    init(similarity: Double = 0, novelty: Double = 0) {
        outputs = ["similarity": bytes([Float(similarity)]), "novelty": bytes([Float(novelty)])]
    }

    func run(signature: String, image: [UInt8]) throws -> [String: Data] {
        (self.signature, self.image) = (signature, image)
        return outputs
    }
}

func bytes(_ values: [Float]) -> Data { values.withUnsafeBytes { Data($0) } }

/// All pixels of a photograph.
func pixels(_ photo: Photo) throws -> [UInt8] {
    var all: [UInt8] = []
    try photo.readRows { rows, count in all += UnsafeBufferPointer(start: rows, count: 3 * photo.width * count) }
    return all
}
