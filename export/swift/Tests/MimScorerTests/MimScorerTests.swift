import Foundation
import XCTest

#if canImport(CoreGraphics) && canImport(ImageIO)
    import CoreGraphics
    import ImageIO
#endif

@testable import MimScorer

/// A photograph whose rows come in portions, or not at all.
private struct Portions: Photo {
    var width = 1, height = 1, orientation = 1
    var rgb: [UInt8] = []
    /// Numbers of rows; then the file ends.
    var counts: [Int] = []
    var damaged = false
    var maxPixels = 250_000_000

    func readRows(_ body: (_ rows: UnsafePointer<UInt8>, _ count: Int) throws -> Void) throws {
        var row = 0
        try rgb.withUnsafeBufferPointer { pixels in
            for count in counts {
                try body(pixels.baseAddress! + 3 * width * row, count)
                row += count
            }
        }
        if damaged { throw UnreadableError() }
    }
}

final class MimScorerTests: XCTestCase {
    private var manifestContent = Data()
    private var scorer: MimScorer!

    override func setUpWithError() throws {
        manifestContent = try readManifest()
        scorer = try MimScorer(manifest: manifestContent)
    }

    private func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255) } }

    /// The manifest with one entry changed.
    private func changed(_ change: (inout [String: Any]) -> Void) throws -> Data {
        var entries = try XCTUnwrap(JSONSerialization.jsonObject(with: manifestContent) as? [String: Any])
        change(&entries)
        return try JSONSerialization.data(withJSONObject: entries)
    }

    func testGoldenImages() throws {
        let golden = try Golden.read()
        XCTAssertGreaterThan(golden.images.count, 10)
        for (number, image) in golden.images.enumerated() {
            let photo = try Golden.photo(number, "input"), runner = StandIn()
            runner.outputs = StandIn(similarity: image.similarity, novelty: image.novelty).outputs
            let found = try scorer.judge(photo, with: runner)
            XCTAssertEqual(found.verdict, image.verdict, image.name)
            XCTAssertEqual(found.reason, image.reason, image.name)
            let expected = try pixels(try Golden.photo(number, "resampled"))
            XCTAssertEqual(try resampled(photo, to: scorer.size), expected, image.name)
            if image.reason == "too small" {
                XCTAssertNil(runner.image)
                continue
            }
            XCTAssertEqual(runner.signature, "verdict")
            XCTAssertEqual(runner.image, expected, image.name)
            let scores = try XCTUnwrap(found.scores)
            XCTAssertEqual(Double(scores.pClass), image.p_class, accuracy: 1e-5, image.name)
            XCTAssertEqual(Double(scores.pOther), image.p_other, accuracy: 1e-5, image.name)
            XCTAssertEqual(scores.similarity, Float(image.similarity))
            XCTAssertEqual(scores.novelty, Float(image.novelty))
        }
    }

    /// At the similarities of the tables, where < differs from <=.
    func testGoldenDecisions() throws {
        let golden = try Golden.read()
        let number = try XCTUnwrap(golden.images.firstIndex { $0.reason == nil })
        let photo = try Golden.photo(number, "input")
        XCTAssertGreaterThan(golden.decisions.count, 5)
        for decision in golden.decisions {
            let found = try scorer.judge(photo, with: StandIn(similarity: decision.similarity, novelty: 0))
            let scores = try XCTUnwrap(found.scores)
            XCTAssertEqual(found.verdict, decision.verdict, "\(decision.similarity)")
            XCTAssertEqual(Double(scores.pClass), decision.p_class, accuracy: 1e-5)
            XCTAssertEqual(Double(scores.pOther), decision.p_other, accuracy: 1e-5)
        }
    }

    func testExplanation() throws {
        let side = scorer.size, image = noise(3 * side * side), errors = (0..<side * side).map { Float($0) / 9 }
        let photo = RGBPhoto(rgb: image, width: side, height: side), runner = StandIn(similarity: 1, novelty: 0)
        XCTAssertThrowsError(try scorer.explain(photo, with: runner))  // outputs are missing
        runner.outputs["inpainted"] = Data(image)
        runner.outputs["error_map"] = bytes(errors)
        let found = try scorer.explain(photo, with: runner)
        XCTAssertEqual(runner.signature, "explain")
        XCTAssertEqual(found.inpainted, image)
        XCTAssertEqual(found.errorMap, errors)
        let small = try scorer.explain(RGBPhoto(rgb: [1, 2, 3], width: 1, height: 1), with: runner)
        XCTAssertEqual(small.judgement.reason, "too small")
        XCTAssertNil(small.inpainted)
    }

    /// Turned images, as the EXIF standard names the corners, also with sides whose difference is odd.
    func testOrientationsAndPortions() throws {
        for _ in 0..<300 {
            let width = Int.random(in: 1...20), height = Int.random(in: 1...20), size = Int.random(in: 1...9)
            let orientation = Int.random(in: 1...8), rgb = noise(3 * width * height), swap = orientation > 4
            let across = swap ? height : width, down = swap ? width : height
            var upright: [UInt8] = []
            for y in 0..<down {
                for x in 0..<across {
                    var (row, column) = swap ? (x, y) : (y, x)
                    if [2, 3, 7, 8].contains(orientation) { column = width - 1 - column }
                    if [3, 4, 6, 7].contains(orientation) { row = height - 1 - row }
                    let at = 3 * (row * width + column)
                    upright += rgb[at..<at + 3]
                }
            }
            var photo = Portions(width: width, height: height, orientation: orientation, rgb: rgb)
            while photo.counts.reduce(0, +) < height {
                photo.counts.append(Int.random(in: 0...height - photo.counts.reduce(0, +)))
            }
            let expected = try resampled(RGBPhoto(rgb: upright, width: across, height: down), to: size)
            XCTAssertEqual(try resampled(photo, to: size), expected, "\(width) x \(height), \(orientation)")
        }
    }

    func testWhatCannotBeJudgedIsNotPassedToTheModel() throws {
        let side = scorer.size, rgb = noise(3 * side * side)
        let cases: [(Photo, String)] = [
            (Portions(width: 15_812, height: 15_811), "too large"), (Portions(width: 65_536, height: 200), "too large"),
            (Portions(width: 8001, height: 8000, maxPixels: 64_000_000), "too large"),
            (Portions(width: .max, height: .max), "too large"), (Portions(width: 0, height: 5), "too large"),
            (Portions(width: side - 1, height: 9999), "too small"),
            (Portions(width: side, height: side, rgb: rgb, counts: [1, side - 2]), "unreadable"),
            (Portions(width: side, height: side, rgb: rgb, counts: [side], damaged: true), "unreadable"),
            (Portions(width: side, height: side, rgb: rgb, counts: [side, 1]), "unreadable"),
            (RGBPhoto(rgb: [UInt8](rgb.dropLast()), width: side, height: side), "unreadable"),
        ]
        for (photo, reason) in cases {
            let runner = StandIn()
            let found = try scorer.judge(photo, with: runner)
            XCTAssertEqual(found.verdict, "cannot-judge")
            XCTAssertEqual(found.reason, reason)
            XCTAssertNil(found.scores)
            XCTAssertNil(runner.image)
        }
        let turned = Portions(width: side, height: side, orientation: 9, rgb: rgb, counts: [side])
        XCTAssertThrowsError(try scorer.judge(turned, with: StandIn()))
    }

    func testOutputsThatAreNoNumbersGiveNoVerdict() throws {
        let side = scorer.size, photo = RGBPhoto(rgb: noise(3 * side * side), width: side, height: side)
        let pairs: [(Double, Double)] = [(.nan, 0), (.infinity, 0), (0, .nan), (0, -.infinity)]
        for (similarity, novelty) in pairs {
            XCTAssertThrowsError(try scorer.judge(photo, with: StandIn(similarity: similarity, novelty: novelty)))
        }
        let runner = StandIn()
        runner.outputs["novelty"] = nil
        XCTAssertThrowsError(try scorer.judge(photo, with: runner)) { error in
            XCTAssert("\(error)".hasPrefix("mim.tflite: an output is missing"))
        }
    }

    func testManifestsThatAreNotOfFormat4() throws {
        let cases: [((inout [String: Any]) -> Void, String)] = [
            ({ $0["format"] = 3 }, "bundle format 3, this version reads 4"),
            ({ $0["size"] = nil }, "size is missing"), ({ $0["size"] = "192" }, "size has another type"),
            ({ $0["size"] = 0 }, "size is not in 1 to 4096"), ({ $0["reasons"] = ["blank"] }, "reasons are not"),
            ({ $0["verdicts"] = [] as [String] }, "verdicts are not"),
            ({ $0["reference"] = ["similarities": [1.0], "weights": [] as [Double], "groups": 1, "beta": 0.2] }, "lengths"),
            ({ $0["gate"] = ["min_contrast": 0.1] }, "gate.min_detail is missing"),
        ]
        for (change, problem) in cases {
            XCTAssertThrowsError(try MimScorer(manifest: changed(change))) { error in
                XCTAssert("\(error)".contains(problem), "\(error)")
            }
        }
        for content in ["", "[]", "{", "{\"format\": \"4\"}"] {
            XCTAssertThrowsError(try MimScorer(manifest: Data(content.utf8)))
        }
        XCTAssertNoThrow(try MimScorer(manifest: changed { $0["unknown"] = 1 }))
    }

    func testTheModelIsThatOfTheManifest() throws {
        var model = try Data(contentsOf: bundle.appendingPathComponent("mim.tflite"))
        XCTAssertNoThrow(try scorer.verify(model: model))
        XCTAssert(model.withUnsafeBytes(sha256).hasPrefix(scorer.modelId))
        model[1000] ^= 1
        XCTAssertThrowsError(try scorer.verify(model: model))
        XCTAssertThrowsError(try scorer.verify(model: Data()))
    }

    /// The examples of FIPS 180-4, and lengths around those of a block.
    func testSHA256() {
        let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
        let cases = [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (long, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
            (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
        ]
        for (text, digest) in cases { XCTAssertEqual(Data(text.utf8).withUnsafeBytes(sha256), digest) }
    }

    #if canImport(CoreGraphics) && canImport(ImageIO)
        func testCoreGraphicsDecodesTheGoldenImages() throws {
            for number in try Golden.read().images.indices {
                let digits = number < 10 ? "0\(number)" : "\(number)"
                let photo = try CGPhoto(contentsOf: bundle.appendingPathComponent("golden/\(digits)_input.png"))
                XCTAssertEqual(try pixels(photo), try pixels(try Golden.photo(number, "input")))
            }
        }

        func testCoreGraphicsRefusesTruncatedFiles() throws {
            let png = try Data(contentsOf: bundle.appendingPathComponent("golden/00_input.png"))
            let source = try XCTUnwrap(CGImageSourceCreateWithData(png as CFData, nil))
            let image = try XCTUnwrap(CGImageSourceCreateImageAtIndex(source, 0, nil))
            let jpeg = NSMutableData()
            let destination = try XCTUnwrap(CGImageDestinationCreateWithData(jpeg, "public.jpeg" as CFString, 1, nil))
            CGImageDestinationAddImage(destination, image, nil)
            XCTAssert(CGImageDestinationFinalize(destination))
            for whole in [png, jpeg as Data] {
                XCTAssertNoThrow(try CGPhoto(data: whole))
                XCTAssertThrowsError(try CGPhoto(data: whole.prefix(whole.count / 2)))
            }
        }
    #endif
}
