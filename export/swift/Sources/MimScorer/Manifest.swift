import CMim
import Foundation

/// The entries of `manifest.json` that the scorer needs.
struct Manifest: Decodable {
    struct Gate: Decodable {
        let minContrast: Double
        let minDetail: Double
        let minSide: Int
        let maxNovelty: Double?

        enum CodingKeys: String, CodingKey {
            case minContrast = "min_contrast", minDetail = "min_detail", minSide = "min_side"
            case maxNovelty = "max_novelty"
        }
    }
    /// Similarities of a hypothesis with their weights; the lists may be empty, with 0 groups.
    struct Table: Decodable {
        let similarities: [Double]
        let weights: [Double]
        let groups: Int
        /// The level: `alpha` of the calibration, `beta` of the reference.
        let alpha: Double?
        let beta: Double?
    }
    struct File: Decodable {
        let sha256: String
    }
    let statement: String
    let modelId: String
    let size: Int
    let gate: Gate
    let calibration: Table
    let reference: Table
    let verdicts: [String]
    let reasons: [String?]
    let files: [String: File]

    enum CodingKeys: String, CodingKey {
        case modelId = "model_id"
        case statement, size, gate, calibration, reference, verdicts, reasons, files
    }

    /// - Throws: `MimError` that names the entry which is missing, of another type, or out of its range.
    static func read(_ content: Data) throws -> Manifest {
        let remedy = "copy the whole bundle into the app again"
        do {
            let format = try JSONDecoder().decode(Format.self, from: content).format
            guard format == MIM_FORMAT else {
                let problem = "manifest.json: bundle format \(format), this version reads \(MIM_FORMAT)"
                throw MimError(description: "\(problem); export the bundle again")
            }
            let manifest = try JSONDecoder().decode(Manifest.self, from: content)
            if let entry = manifest.invalid { throw MimError(description: "manifest.json: \(entry); \(remedy)") }
            return manifest
        } catch let error as DecodingError {
            throw MimError(description: "manifest.json: \(error.entry); \(remedy)")
        }
    }

    /// The first entry whose value cannot be used, or nil. The C library checks the numbers of tables and gate.
    private var invalid: String? {
        if !(1...Int(MIM_MAX_SIZE)).contains(size) { return "size is not in 1 to \(MIM_MAX_SIZE)" }
        if gate.minSide < 0 { return "gate.min_side is negative" }
        if verdicts != (0..<4).map({ Name.verdict(mim_verdict_code($0)) }) { return "verdicts are not those of format 4" }
        if reasons.map({ $0 ?? "" }) != (0..<7).map({ Name.reason(mim_reason_code($0)) }) {
            return "reasons are not those of format 4"
        }
        for (name, table) in [("calibration", calibration), ("reference", reference)] {
            if table.similarities.count != table.weights.count { return "\(name) has lists of different lengths" }
            if table.groups < 0 { return "\(name).groups is negative" }
        }
        if calibration.alpha == nil { return "calibration.alpha is missing" }
        return reference.beta == nil ? "reference.beta is missing" : nil
    }
}

/// The format number, which is checked before the other entries are read.
private struct Format: Decodable {
    let format: Int
}

/// Names of codes.
enum Name {
    static func verdict(_ code: mim_verdict_code) -> String { String(cString: mim_verdict_name(code)) }
    /// Empty for `MIM_NO_REASON`.
    static func reason(_ code: mim_reason_code) -> String { String(cString: mim_reason_name(code)) }
}

extension DecodingError {
    /// The path of the invalid entry, and the problem.
    fileprivate var entry: String {
        switch self {
        case .keyNotFound(let key, let context):
            return (context.codingPath + [key]).map(\.stringValue).joined(separator: ".") + " is missing"
        case .valueNotFound(_, let context), .typeMismatch(_, let context):
            return context.codingPath.map(\.stringValue).joined(separator: ".") + " has another type"
        case .dataCorrupted: return "is not JSON"
        @unknown default: return "cannot be read"
        }
    }
}
