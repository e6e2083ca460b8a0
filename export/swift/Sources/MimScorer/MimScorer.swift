import CMim
import CryptoKit
import Foundation

/// What is said of one photograph.
public struct Judgement {
    /// `mpox-like`, `not-mpox-like` or `cannot-judge`.
    public let verdict: String
    /// Why it cannot be judged; nil where it can.
    public let reason: String?
    /// Conformal p-value: for logs, like the similarity. 0.42 does not mean 42 % mpox.
    public let pValue: Float
}

/// What of `manifest.json` the scorer needs.
struct Manifest: Decodable {
    struct Gate: Decodable {
        let minContrast: Float
        let minDetail: Float
        let minSide: Int
        let maxForeignness: Float?
    }
    struct Calibration: Decodable {
        let similarities: [Float]
        let weights: [Float]
        let groups: Int
        let alpha: Double
    }
    struct File: Decodable {
        let sha256: String
    }
    let statement: String
    let size: Int
    let gate: Gate
    let calibration: Calibration
    let files: [String: File]
}

/// What tells whether the rest can be read.
struct Format: Decodable {
    let format: Int
}

/// Gate, p-value and verdict by the constants of a bundle.
public struct MimScorer {
    /// Side of the image that `mim.tflite` takes, in pixels.
    public var size: Int { manifest.size }
    /// What an app shows with each verdict.
    public var statement: String { manifest.statement }
    private let manifest: Manifest

    /// - Parameter manifest: content of a bundle's `manifest.json`.
    /// - Throws: `MimError` where it is none, of another format than 2, or lacks an entry, which is named.
    public init(manifest: Data) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            let format = try decoder.decode(Format.self, from: manifest).format
            guard format == 2 else {
                let problem = "manifest.json: bundle format \(format), this version reads 2"
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
    /// - Throws: `MimError` where it differs or is not listed.
    public func verify(model: Data) throws {
        let found = SHA256.hash(data: model).map { String(format: "%02x", $0) }.joined()
        guard found == manifest.files["mim.tflite"]?.sha256 else {
            let problem = "mim.tflite: differs from its sha256 in manifest.json"
            throw MimError(description: "\(problem); copy the whole bundle into the app again")
        }
    }

    /// Why a photograph cannot be judged, or nil.
    ///
    /// - Parameters:
    ///   - photo: the upright photograph.
    ///   - resampled: `photo.resampled(to: size)`.
    ///   - foreignness: the output of `mim.tflite`; 0 where no model was run.
    public func reason(photo: Pixels, resampled: [UInt8], foreignness: Float) throws -> String? {
        let code = try reasonCode(photo: photo, resampled: resampled, foreignness: foreignness)
        return code == MIM_NO_REASON ? nil : String(cString: mim_reason_name(code))
    }

    /// Judges a photograph by the outputs of `mim.tflite` for it.
    ///
    /// - Returns: for a similarity of 0.6 and a p-value of 0.4: `mpox-like`, nil, 0.4.
    public func judge(photo: Pixels, resampled: [UInt8], similarity: Float, foreignness: Float) throws -> Judgement {
        let reason = try reasonCode(photo: photo, resampled: resampled, foreignness: foreignness)
        let table = manifest.calibration
        guard table.similarities.count == table.weights.count else { throw MimError.lengths }
        var p: Float = 0
        try table.similarities.withUnsafeBufferPointer { similarities in
            try table.weights.withUnsafeBufferPointer { weights in
                var entry = mim_calibration(
                    similarities: similarities.baseAddress, weights: weights.baseAddress, count: weights.count,
                    groups: table.groups, alpha: table.alpha)
                try check(mim_p_value(&entry, similarity, &p))
            }
        }
        var verdict = MIM_CANNOT_JUDGE
        try check(mim_verdict(p, reason, table.alpha, &verdict))
        let name = reason == MIM_NO_REASON ? nil : String(cString: mim_reason_name(reason))
        return Judgement(verdict: String(cString: mim_verdict_name(verdict)), reason: name, pValue: p)
    }

    private func reasonCode(photo: Pixels, resampled: [UInt8], foreignness: Float) throws -> mim_reason_code {
        guard resampled.count == 3 * size * size else { throw MimError.lengths }
        var contrast: Float = 0, detail: Float = 0
        try check(mim_contrast(resampled, size, &contrast))
        try check(mim_detail(resampled, size, &detail))
        let gate = manifest.gate
        var limits = mim_gate_limits(
            min_contrast: gate.minContrast, min_detail: gate.minDetail, min_side: gate.minSide,
            max_foreignness: gate.maxForeignness ?? .infinity)
        var reason = MIM_UNREADABLE
        try check(mim_gate(&limits, min(photo.width, photo.height), contrast, detail, foreignness, &reason))
        return reason
    }
}

extension DecodingError {
    /// Which entry is wrong, and why.
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
        description: "arrays of another length than expected; pass resampled(to: size) and the bundle's manifest.json")
}
