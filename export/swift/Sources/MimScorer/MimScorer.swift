import CMim
import Foundation

/// Runs `mim.tflite`. The app implements it with the TensorFlow Lite or LiteRT library that it uses.
public protocol ModelRunner {
    /// Runs a signature on one image.
    ///
    /// - Parameters:
    ///   - signature: `verdict` or `explain`.
    ///   - image: the input `image`, uint8 (1, S, S, 3).
    /// - Returns: the outputs by name, as bytes in memory. Example: 4 bytes for `similarity`, a float32.
    /// - Throws: an error if the model does not run; the scorer passes it on.
    func run(signature: String, image: [UInt8]) throws -> [String: Data]
}

/// The result for one photograph.
public struct Judgement {
    /// `mpox-like`, `not-mpox-like`, `undecided` or `cannot-judge`.
    public let verdict: String
    /// The reason for `cannot-judge`, else nil.
    public let reason: String?
    /// What the model says, nil if the photograph did not reach it. For logs: 0.42 does not mean 42 % mpox.
    public let scores: Scores?

    public struct Scores {
        public let similarity: Float
        public let novelty: Float
        /// The p-value of the class.
        public let pClass: Float
        /// The p-value of other skin.
        public let pOther: Float
    }
}

/// A judgement with what the model inpainted, S x S pixels R, G, B, and one error for each pixel. Both are nil if the
/// photograph did not reach the model.
public struct Explanation {
    public let judgement: Judgement
    public let inpainted: [UInt8]?
    public let errorMap: [Float]?
}

/// Judges photographs with the constants of a bundle.
public struct MimScorer {
    /// Side S of the input image of `mim.tflite`, in pixels.
    public var size: Int { manifest.size }
    /// The text that an app shows with each verdict.
    public var statement: String { manifest.statement }
    /// Names the model; store it with a verdict.
    public var modelId: String { manifest.modelId }
    private let manifest: Manifest
    private let calibration: Table
    private let reference: Table

    /// - Parameter manifest: content of a bundle's `manifest.json`.
    /// - Throws: `MimError` if it is not a manifest of format 4; the message names the entry.
    public init(manifest: Data) throws {
        self.manifest = try Manifest.read(manifest)
        calibration = Table(self.manifest.calibration)
        reference = Table(self.manifest.reference)
    }

    /// Checks `mim.tflite` against its sha256 in the manifest.
    ///
    /// - Parameter model: content of the file.
    /// - Throws: `MimError` if the file differs or is not listed.
    public func verify(model: Data) throws {
        guard model.withUnsafeBytes(sha256) == manifest.files["mim.tflite"]?.sha256 else {
            let problem = "mim.tflite: differs from its sha256 in manifest.json"
            throw MimError(description: "\(problem); copy the whole bundle into the app again")
        }
    }

    /// Judges a photograph.
    ///
    /// - Parameters:
    ///   - photo: any photograph. One that is too large is not decoded.
    ///   - runner: runs the bundle's `mim.tflite`.
    /// - Throws: `MimError` if the model's outputs are no finite numbers, and what `runner` throws.
    /// - Returns: for example, for a similarity whose p-values are 0.4 and 0.1: `mpox-like`.
    public func judge(_ photo: Photo, with runner: ModelRunner) throws -> Judgement {
        try run("verdict", on: photo, with: runner).judgement
    }

    /// Like `judge`, with inpainting and error map, in about a tenth more time.
    public func explain(_ photo: Photo, with runner: ModelRunner) throws -> Explanation {
        let (judgement, outputs) = try run("explain", on: photo, with: runner)
        guard let outputs = outputs else { return Explanation(judgement: judgement, inpainted: nil, errorMap: nil) }
        let inpainted = [UInt8](outputs["inpainted"] ?? Data()), errors = floats(outputs["error_map"])
        guard inpainted.count == 3 * size * size, errors.count == size * size else { throw MimError.outputs }
        return Explanation(judgement: judgement, inpainted: inpainted, errorMap: errors)
    }

    /// The judgement, and the outputs of the model if it was run.
    private func run(
        _ signature: String, on photo: Photo, with runner: ModelRunner
    ) throws -> (judgement: Judgement, outputs: [String: Data]?) {
        guard fits(photo) else { return (refused(MIM_TOO_LARGE), nil) }
        let side = min(photo.width, photo.height)
        guard side >= manifest.gate.minSide else { return (refused(MIM_TOO_SMALL), nil) }
        let image: [UInt8]
        do {
            image = try resampled(photo, to: size)
        } catch is UnreadableError {
            return (refused(MIM_UNREADABLE), nil)
        }
        let outputs = try runner.run(signature: signature, image: image)
        guard let similarity = floats(outputs["similarity"]).first, similarity.isFinite,
            let novelty = floats(outputs["novelty"]).first, novelty.isFinite
        else { throw MimError.outputs }
        return (try decide(image, side: side, similarity: similarity, novelty: novelty), outputs)
    }

    private func refused(_ reason: mim_reason_code) -> Judgement {
        Judgement(verdict: Name.verdict(MIM_CANNOT_JUDGE), reason: Name.reason(reason), scores: nil)
    }

    /// Steps 8 to 10 of the contract.
    private func decide(_ image: [UInt8], side: Int, similarity: Float, novelty: Float) throws -> Judgement {
        var contrast: Float = 0, detail: Float = 0, pClass: Float = 0, pOther: Float = 0
        try check(mim_contrast(image, size, &contrast))
        try check(mim_detail(image, size, &detail))
        let gate = manifest.gate
        var limits = mim_gate_limits(
            min_contrast: Float(gate.minContrast), min_detail: Float(gate.minDetail), min_side: gate.minSide,
            max_novelty: gate.maxNovelty.map { Float($0) } ?? .infinity)
        var reason = MIM_UNREADABLE, verdict = MIM_CANNOT_JUDGE
        try check(mim_gate(&limits, side, contrast, detail, novelty, &reason))
        try calibration.withTable { table in try check(mim_p_class(&table, similarity, &pClass)) }
        try reference.withTable { table in try check(mim_p_other(&table, similarity, &pOther)) }
        // Manifest.read has checked that both levels exist.
        let (alpha, beta) = (manifest.calibration.alpha ?? .nan, manifest.reference.beta ?? .nan)
        try check(mim_verdict(pClass, pOther, reason, alpha, beta, &verdict))
        return Judgement(
            verdict: Name.verdict(verdict), reason: reason == MIM_NO_REASON ? nil : Name.reason(reason),
            scores: .init(similarity: similarity, novelty: novelty, pClass: pClass, pOther: pOther))
    }
}

/// A conformal table in float32.
private struct Table {
    private let similarities: [Float]
    private let weights: [Float]
    private let groups: Int

    init(_ table: Manifest.Table) {
        similarities = table.similarities.map { Float($0) }
        weights = table.weights.map { Float($0) }
        groups = table.groups
    }

    /// Calls `body` with a table of the C library, whose pointers are valid during the call only.
    func withTable(_ body: (inout mim_table) throws -> Void) throws {
        try similarities.withUnsafeBufferPointer { similarities in
            try weights.withUnsafeBufferPointer { weights in
                var table = mim_table(
                    similarities: similarities.baseAddress, weights: weights.baseAddress, count: weights.count,
                    groups: groups)
                try body(&table)
            }
        }
    }
}

/// The numbers of an output, or none if it is missing.
private func floats(_ bytes: Data?) -> [Float] {
    guard let bytes = bytes else { return [] }
    var values = [Float](repeating: 0, count: bytes.count / 4)
    _ = values.withUnsafeMutableBytes { bytes.copyBytes(to: $0) }
    return values
}

extension MimError {
    fileprivate static let outputs = MimError(
        description: "mim.tflite: an output is missing or not finite; use the bundle's file, on the CPU")
}
