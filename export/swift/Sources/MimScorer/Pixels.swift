import CMim
import CoreGraphics
import Foundation
import ImageIO

#if canImport(UIKit)
    import UIKit
#endif

/// An error that a user can fix: one line that ends with the remedy.
public struct MimError: LocalizedError, CustomStringConvertible {
    public let description: String
    public var errorDescription: String? { description }
}

/// Throws an error for a status of the C scorer other than `MIM_OK`.
func check(_ status: mim_status) throws {
    guard status == MIM_OK else { throw MimError(description: String(cString: mim_status_text(status))) }
}

/// An upright photograph: `height` rows of `width` pixels R, G, B without padding, with the values that the file
/// stores.
public struct Pixels {
    public let width: Int
    public let height: Int
    public let rgb: [UInt8]

    /// Largest number of pixels. It is checked before memory is allocated.
    static let maxPixels = 100_000_000

    /// Draws an image over white and applies its orientation.
    ///
    /// The context has the image's own colour space, so that Core Graphics converts no colours: a photograph in Display
    /// P3, as iPhones take them, keeps the values that all other targets decode. Grey, CMYK and Lab become sRGB.
    ///
    /// - Parameter orientation: the value of the EXIF tag, 1 to 8. Example: 6 for a portrait photograph of a phone.
    /// - Throws: `MimError` for an image of more than 100 million pixels or an invalid orientation.
    public init(_ image: CGImage, orientation: Int32) throws {
        let width = image.width, height = image.height
        guard width <= Int(MIM_MAX_SIDE), height <= Int(MIM_MAX_SIDE) else {
            throw MimError(description: "a side of the photograph has more than \(MIM_MAX_SIDE) pixels; shrink it")
        }
        guard width * height <= Pixels.maxPixels else {
            throw MimError(description: "the photograph has more than \(Pixels.maxPixels) pixels; shrink it")
        }
        // Core Graphics premultiplies alpha, so the image is drawn on white memory. For partly transparent pixels the
        // rounding may differ by one level from that of mim_over_white.
        var stored = [UInt8](repeating: 255, count: 4 * width * height)
        let drawn = stored.withUnsafeMutableBytes { memory -> Bool in
            let own = image.colorSpace.flatMap { $0.baseColorSpace ?? $0 }  // for a palette, its base
            let kept = own.flatMap { $0.model == .rgb && $0.supportsOutput ? $0 : nil }
            guard let space = kept ?? CGColorSpace(name: CGColorSpace.sRGB),
                let context = CGContext(
                    data: memory.baseAddress, width: width, height: height, bitsPerComponent: 8,
                    bytesPerRow: 4 * width, space: space, bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue)
            else { return false }
            context.interpolationQuality = .none
            context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
            return true
        }
        guard drawn else { throw MimError(description: "no memory to draw the photograph; shrink it") }
        var upright = [UInt8](repeating: 0, count: stored.count)
        try check(mim_upright(stored, width, height, 4, 4 * width, orientation, &upright, stored.count))
        let turned = orientation >= 5
        self.width = turned ? height : width
        self.height = turned ? width : height
        let (across, down) = (self.width, self.height)
        try upright.withUnsafeMutableBufferPointer { memory in  // the C function may work in place
            try check(mim_over_white(memory.baseAddress, across, down, 4 * across, memory.baseAddress, memory.count))
        }
        rgb = Array(upright.prefix(3 * width * height))
    }

    /// Reads a photograph for the command line, like the Python scorer: JPEG, PNG or WebP.
    ///
    /// HEIC is rejected, by content: the Python scorer cannot read it, and results should not depend on the platform.
    /// In an app UIKit decodes HEIC before this package gets the image.
    public init(path: String) throws {
        let url = URL(fileURLWithPath: path)
        let unreadable = MimError(
            description: "\(path): not a readable image; replace it with a JPEG, PNG or WebP photograph")
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw MimError(description: "\(path): cannot be opened; pass the path of a photograph")
        }
        switch Pixels.kind(of: file.readData(ofLength: 12)) {
        case .known: break
        case .heic:
            throw MimError(description: "\(path): HEIC is not supported on the command line; convert it to JPEG or PNG")
        case .other: throw unreadable
        }
        guard let source = CGImageSourceCreateWithURL(url as CFURL, nil),
            let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
        else { throw unreadable }
        let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
        let orientation = (properties?[kCGImagePropertyOrientation] as? NSNumber)?.int32Value ?? 1
        try self.init(image, orientation: (1...8).contains(orientation) ? orientation : 1)
    }

    enum Kind { case known, heic, other }

    /// The kind of a file from its first 12 bytes, because names are often wrong. Example: FF D8 FF is a JPEG: `known`.
    static func kind(of head: Data) -> Kind {
        func has(_ text: String, at place: Int) -> Bool { head.dropFirst(place).starts(with: text.utf8) }
        if head.starts(with: [0xFF, 0xD8, 0xFF]) || head.starts(with: [0x89] + Array("PNG\r\n\u{1A}\n".utf8))
            || (has("RIFF", at: 0) && has("WEBP", at: 8))
        {
            return .known
        }
        let brands = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
        return has("ftyp", at: 4) && brands.contains { has($0, at: 8) } ? .heic : .other
    }

    #if canImport(UIKit)
        /// A photograph from the camera or the library, including HEIC, decoded by UIKit.
        ///
        /// - Throws: `MimError` if the image has no bitmap, such as an image of Core Image.
        public init(_ image: UIImage) throws {
            guard let bitmap = image.cgImage else {
                throw MimError(description: "the image has no bitmap; render it with UIGraphicsImageRenderer")
            }
            let exif: [UIImage.Orientation: Int32] = [
                .up: 1, .upMirrored: 2, .down: 3, .downMirrored: 4, .leftMirrored: 5, .right: 6, .rightMirrored: 7,
                .left: 8,
            ]
            try self.init(bitmap, orientation: exif[image.imageOrientation] ?? 1)
        }
    #endif

    /// The input of `mim.tflite`: the centre square, resampled by exact area average to size x size pixels R, G, B.
    public func resampled(to size: Int) throws -> [UInt8] {
        let needed = mim_resample_bytes(size)
        var target = [UInt8](repeating: 0, count: 3 * max(size, 0) * max(size, 0))
        let count = target.count
        let workspace = UnsafeMutableRawPointer.allocate(byteCount: max(needed, 1), alignment: Int(MIM_ALIGNMENT))
        defer { workspace.deallocate() }
        try check(mim_resample(rgb, width, height, 3 * width, &target, size, count, workspace, needed))
        return target
    }
}
