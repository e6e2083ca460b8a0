import CMim
import CryptoKit
import Foundation

/// The result for one photograph.
public struct Judgement {
    /// `mpox-like`, `not-mpox-like`, `undecided` or `cannot-judge`.
    public let verdict: String
    /// The reason for `cannot-judge`, else nil.
    public let reason: String?
    /// The p-value of the class. For logs: 0.42 does not mean 42 % mpox.
    public let pClass: Float
    /// The p-value of other skin. For logs.
    public let pOther: Float
}

/// The entries of `manifest.json` that the scorer needs.
struct Manifest: Decodable {
    struct Gate: Decodable {
        let minContrast: Float
        let minDetail: Float
        let minSide: Int
        let maxNovelty: Float?
    }
    struct Calibration: Decodable {
        let similarities: [Float]
        let weights: [Float]
        let groups: Int
        let alpha: Double
    }
    /// Its lists may be empty, with 0 groups.
    struct Reference: Decodable {
        let similarities: [Float]
        let weights: [Float]
        let groups: Int
        let beta: Double
    }
    struct File: Decodable {
        let sha256: String
    }
    let statement: String
    let size: Int
    let gate: Gate
    let calibration: Calibration
    let reference: Reference
    let files: [String: File]
}

/// The format number, which is checked before the other entries are read.
struct Format: Decodable {
    let format: Int
}

/// Computes gate, p-values and verdict with the constants of a bundle.
public struct MimScorer {
    /// Side of the input image of `mim.tflite`, in pixels.
    public var size: Int { manifest.size }
    /// The text that an app shows with each verdict.
    public var statement: String { manifest.statement }
    private let manifest: Manifest

    /// - Parameter manifest: content of a bundle's `manifest.json`.
    /// - Throws: `MimError` if it is not a manifest of format 4, or an entry is missing; the message names the entry.
    public init(manifest: Data) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            let format = try decoder.decode(Format.self, from: manifest).format
            guard format == 4 else {
                let problem = "manifest.json: bundle format \(format), this version reads 4"
                throw MimError(description: "\(problem); export the bundle again")
            }
            self.manifest = try decoder.decode(Manifest.self, from: manifest)
        } catch let error as DecodingError {
            throw MimError(description: "manifest.json: \(error.reason); copy the whole bundle into the app again")
        }
    }

    /// Checks `mim.tflite` against its sha256 in the manifest.
    ///
    /// - Parameter model: content of the file.
    /// - Throws: `MimError` if the file differs or is not listed.
    public func verify(model: Data) throws {
        let found = SHA256.hash(data: model).map { String(format: "%02x", $0) }.joined()
        guard found == manifest.files["mim.tflite"]?.sha256 else {
            let problem = "mim.tflite: differs from its sha256 in manifest.json"
            throw MimError(description: "\(problem); copy the whole bundle into the app again")
        }
    }

    /// The reason why a photograph cannot be judged, or nil.
    ///
    /// - Parameters:
    ///   - photo: the upright photograph.
    ///   - resampled: `photo.resampled(to: size)`.
    ///   - novelty: the output `novelty` of `mim.tflite`; 0 if no model was run.
    public func reason(photo: Pixels, resampled: [UInt8], novelty: Float) throws -> String? {
        let code = try reasonCode(photo: photo, resampled: resampled, novelty: novelty)
        return code == MIM_NO_REASON ? nil : String(cString: mim_reason_name(code))
    }

    /// Judges a photograph from the outputs of `mim.tflite`, of the signature `verdict` or `explain`.
    ///
    /// - Parameters:
    ///   - photo: the upright photograph.
    ///   - resampled: `photo.resampled(to: size)`.
    ///   - similarity: the output `similarity`.
    ///   - novelty: the output `novelty`.
    /// - Returns: for example, for a similarity whose p-values are 0.4 and 0.1: `mpox-like`, nil, 0.4, 0.1.
    public func judge(photo: Pixels, resampled: [UInt8], similarity: Float, novelty: Float) throws -> Judgement {
        let reason = try reasonCode(photo: photo, resampled: resampled, novelty: novelty)
        let (calibration, reference) = (manifest.calibration, manifest.reference)
        var pClass: Float = 0, pOther: Float = 0
        try withTable(calibration.similarities, calibration.weights, groups: calibration.groups) { table in
            try check(mim_p_class(&table, similarity, &pClass))
        }
        try withTable(reference.similarities, reference.weights, groups: reference.groups) { table in
            try check(mim_p_other(&table, similarity, &pOther))
        }
        var verdict = MIM_CANNOT_JUDGE
        try check(mim_verdict(pClass, pOther, reason, calibration.alpha, reference.beta, &verdict))
        let name = reason == MIM_NO_REASON ? nil : String(cString: mim_reason_name(reason))
        return Judgement(
            verdict: String(cString: mim_verdict_name(verdict)), reason: name, pClass: pClass, pOther: pOther)
    }

    /// Calls `body` with a table of the C scorer, whose pointers are valid during the call only.
    private func withTable(
        _ similarities: [Float], _ weights: [Float], groups: Int, _ body: (inout mim_table) throws -> Void
    ) throws {
        guard similarities.count == weights.count else { throw MimError.lengths }
        try similarities.withUnsafeBufferPointer { known in
            try weights.withUnsafeBufferPointer { weights in
                var table = mim_table(
                    similarities: known.baseAddress, weights: weights.baseAddress, count: weights.count, groups: groups)
                try body(&table)
            }
        }
    }

    private func reasonCode(photo: Pixels, resampled: [UInt8], novelty: Float) throws -> mim_reason_code {
        guard resampled.count == 3 * size * size else { throw MimError.lengths }
        var contrast: Float = 0, detail: Float = 0
        try check(mim_contrast(resampled, size, &contrast))
        try check(mim_detail(resampled, size, &detail))
        let gate = manifest.gate
        var limits = mim_gate_limits(
            min_contrast: gate.minContrast, min_detail: gate.minDetail, min_side: gate.minSide,
            max_novelty: gate.maxNovelty ?? .infinity)
        var reason = MIM_UNREADABLE
        try check(mim_gate(&limits, min(photo.width, photo.height), contrast, detail, novelty, &reason))
        return reason
    }
}

extension DecodingError {
    /// The path of the invalid entry, and the problem.
    var reason: String {
        switch self {
        case .keyNotFound(_, let context), .valueNotFound(_, let context), .typeMismatch(_, let context),
            .dataCorrupted(let context):
            return (context.codingPath.map(\.stringValue) + [context.debugDescription]).joined(separator: ": ")
        @unknown default:
            return "not readable"
        }
    }
}

extension MimError {
    static let lengths = MimError(
        description: "an array has an unexpected length; pass resampled(to: size) and the bundle's manifest.json")
}
