import Foundation
import MimScorer

/// Reads a PNG of 8 bits RGB without interlacing, as the golden vectors are, also where there is no Core Graphics.
func readPNG(_ url: URL) throws -> RGBPhoto {
    let bytes = [UInt8](try Data(contentsOf: url))
    var compressed: [UInt8] = [], width = 0, height = 0, at = 8
    while at + 12 <= bytes.count {
        let length = number(bytes, at), kind = String(decoding: bytes[at + 4..<at + 8], as: UTF8.self)
        if kind == "IHDR" {
            (width, height) = (number(bytes, at + 8), number(bytes, at + 12))
            guard Array(bytes[at + 16..<at + 21]) == [8, 2, 0, 0, 0] else { throw UnreadableError() }
        } else if kind == "IDAT" {
            compressed += bytes[at + 8..<at + 8 + length]
        }
        at += length + 12
    }
    var inflater = Inflater(Array(compressed.dropFirst(2)))  // after the header of zlib
    let rows = try inflater.inflate(), row = 3 * width
    var pixels = [UInt8](repeating: 0, count: row * height)
    for y in 0..<height {
        let filter = rows[y * (row + 1)]
        for i in 0..<row {
            let left = i < 3 ? 0 : Int(pixels[y * row + i - 3]), up = y == 0 ? 0 : Int(pixels[(y - 1) * row + i])
            let corner = i < 3 || y == 0 ? 0 : Int(pixels[(y - 1) * row + i - 3])
            let predicted: Int
            switch filter {
            case 1: predicted = left
            case 2: predicted = up
            case 3: predicted = (left + up) / 2
            case 4:
                let (a, b, c) = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
                predicted = a <= b && a <= c ? left : b <= c ? up : corner
            default: predicted = 0
            }
            pixels[y * row + i] = rows[y * (row + 1) + 1 + i] &+ UInt8(predicted)
        }
    }
    return RGBPhoto(rgb: pixels, width: width, height: height)
}

private func number(_ bytes: [UInt8], _ at: Int) -> Int {
    bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
}

/// Inflates a stream of deflate (RFC 1951).
private struct Inflater {
    private let bytes: [UInt8]
    private var at = 0, bits = 0, count = 0
    private var out: [UInt8] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func inflate() throws -> [UInt8] {
        var last = false
        while !last {
            last = try take(1) == 1
            switch try take(2) {
            case 0:
                (bits, count) = (0, 0)
                guard at + 4 <= bytes.count else { throw UnreadableError() }
                let length = Int(bytes[at]) | Int(bytes[at + 1]) << 8
                out += bytes[at + 4..<at + 4 + length]
                at += 4 + length
            case 1:
                let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
                try block(Huffman(lengths), Huffman([Int](repeating: 5, count: 30)))
            case 2:
                let (literals, distances) = try tables()
                try block(literals, distances)
            default: throw UnreadableError()
            }
        }
        return out
    }

    private mutating func take(_ n: Int) throws -> Int {
        while count < n {
            guard at < bytes.count else { throw UnreadableError() }
            bits |= Int(bytes[at]) << count
            at += 1
            count += 8
        }
        let value = bits & (1 << n - 1)
        bits >>= n
        count -= n
        return value
    }

    private mutating func symbol(_ table: Huffman) throws -> Int {
        var code = 0, first = 0, index = 0
        for length in 1...15 {
            code |= try take(1)
            let n = table.counts[length]
            if code - n < first { return table.symbols[index + code - first] }
            index += n
            first = (first + n) << 1
            code <<= 1
        }
        throw UnreadableError()
    }

    private mutating func tables() throws -> (Huffman, Huffman) {
        let literals = try take(5) + 257, distances = try take(5) + 1, codes = try take(4) + 4
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var lengths = [Int](repeating: 0, count: 19)
        for i in 0..<codes { lengths[order[i]] = try take(3) }
        let table = Huffman(lengths)
        lengths = []
        while lengths.count < literals + distances {
            let s = try symbol(table)
            switch s {
            case 16: lengths += [Int](repeating: lengths.last ?? 0, count: 3 + (try take(2)))
            case 17: lengths += [Int](repeating: 0, count: 3 + (try take(3)))
            case 18: lengths += [Int](repeating: 0, count: 11 + (try take(7)))
            default: lengths.append(s)
            }
        }
        return (Huffman(Array(lengths[..<literals])), Huffman(Array(lengths[literals...])))
    }

    private mutating func block(_ literals: Huffman, _ distances: Huffman) throws {
        while true {
            let s = try symbol(literals)
            if s < 256 {
                out.append(UInt8(s))
            } else if s == 256 {
                return
            } else {
                // Lengths and distances grow in groups of 4 and 2, each with one more extra bit than the one before.
                var length = 258
                if s < 265 {
                    length = s - 254
                } else if s < 285 {
                    let extra = (s - 261) / 4
                    length = (4 + (s - 261) % 4) << extra + 3 + (try take(extra))
                }
                let d = try symbol(distances)
                var distance = d + 1
                if d > 3 {
                    let extra = d / 2 - 1
                    distance = (2 + d % 2) << extra + 1 + (try take(extra))
                }
                guard distance <= out.count else { throw UnreadableError() }
                for _ in 0..<length { out.append(out[out.count - distance]) }
            }
        }
    }
}

private struct Huffman {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(_ lengths: [Int]) {
        for length in lengths where length > 0 { counts[length] += 1 }
        for length in 1...15 { symbols += lengths.indices.filter { lengths[$0] == length } }
    }
}
