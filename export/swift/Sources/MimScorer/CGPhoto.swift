#if canImport(CoreGraphics) && canImport(ImageIO)
    import CMim
    import CoreGraphics
    import Foundation
    import ImageIO

    #if canImport(UIKit)
        import UIKit
    #endif

    /// A photograph that Core Graphics decodes, with the values that the file stores.
    ///
    /// The pixels are drawn in strips into the image's own colour space, so that no colours are converted: a photograph
    /// in Display P3, as iPhones take them, keeps the values that all other targets decode. Grey, CMYK and Lab become
    /// sRGB. Transparency is composited over white, for partly transparent pixels with a rounding that may differ by
    /// one level.
    public struct CGPhoto: Photo {
        public let orientation: Int
        public var width: Int { image.width }
        public var height: Int { image.height }
        private let image: CGImage

        /// Number of pixels that are drawn at a time, 16 MB.
        private static let strip = 4_000_000

        /// Largest number of pixels, 64 million; a photograph with more is `too large`. Each strip may make ImageIO
        /// decode the whole picture, and keep it with 4 bytes per pixel: 256 MB. This has not been measured.
        public var maxPixels: Int { 64_000_000 }

        /// A decoded image. Its file may have been truncated, with missing rows in grey, and this cannot be seen
        /// here: use it only if the app knows that the file was complete, and else `init(data:)`.
        ///
        /// - Parameter orientation: 1 to 8, see `Photo`.
        public init(_ image: CGImage, orientation: Int = 1) {
            self.image = image
            self.orientation = orientation
        }

        /// A file: JPEG, PNG, WebP or HEIC, as far as the system decodes them.
        ///
        /// - Throws: `UnreadableError` if it is none of these, or ends early.
        public init(contentsOf url: URL) throws {
            guard let source = CGImageSourceCreateWithURL(url as CFURL, nil) else { throw UnreadableError() }
            try self.init(source: source)
        }

        /// The content of a file, as `PHPicker` and `AVCapturePhoto.fileDataRepresentation()` give it.
        ///
        /// - Throws: `UnreadableError` if it is no image, or ends early.
        public init(data: Data) throws {
            guard let source = CGImageSourceCreateWithData(data as CFData, nil) else { throw UnreadableError() }
            try self.init(source: source)
        }

        /// ImageIO decodes truncated files as well, with missing rows in grey, so the status is checked.
        private init(source: CGImageSource) throws {
            guard CGImageSourceGetStatusAtIndex(source, 0) == .statusComplete,
                let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
            else { throw UnreadableError() }
            let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
            let orientation = (properties?[kCGImagePropertyOrientation] as? NSNumber)?.intValue ?? 1
            self.init(image, orientation: (1...8).contains(orientation) ? orientation : 1)
        }

        #if canImport(UIKit)
            /// An image that the app has decoded. As with `init(_:orientation:)`, a truncated file cannot be seen.
            ///
            /// - Throws: `UnreadableError` if the image has no bitmap, such as an image of Core Image.
            public init(_ image: UIImage) throws {
                guard let bitmap = image.cgImage else { throw UnreadableError() }
                let exif: [UIImage.Orientation: Int] = [
                    .up: 1, .upMirrored: 2, .down: 3, .downMirrored: 4, .leftMirrored: 5, .right: 6, .rightMirrored: 7,
                    .left: 8,
                ]
                self.init(bitmap, orientation: exif[image.imageOrientation] ?? 1)
            }
        #endif

        public func readRows(_ body: (_ rows: UnsafePointer<UInt8>, _ count: Int) throws -> Void) throws {
            let own = image.colorSpace.flatMap { $0.baseColorSpace ?? $0 }  // for a palette, its base
            let kept = own.flatMap { $0.model == .rgb && $0.supportsOutput ? $0 : nil }
            guard let space = kept ?? CGColorSpace(name: CGColorSpace.sRGB) else { throw UnreadableError() }
            let rows = min(height, max(1, CGPhoto.strip / width)), bytes = 4 * rows * width
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes)
            defer { memory.deallocate() }
            for top in stride(from: 0, to: height, by: rows) {
                let count = min(rows, height - top)
                // Core Graphics premultiplies alpha, so the image is drawn on white memory.
                memory.initialize(repeating: 255, count: bytes)
                guard
                    let context = CGContext(
                        data: memory, width: width, height: count, bitsPerComponent: 8, bytesPerRow: 4 * width,
                        space: space, bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue)
                else { throw UnreadableError() }
                context.interpolationQuality = .none
                // The y axis points upwards: the strip's last row is at 0, and the rows below it are outside.
                let below = height - top - count
                context.draw(image, in: CGRect(x: 0, y: -below, width: width, height: height))
                context.flush()
                try check(mim_over_white(memory, width, count, 4 * width, memory, bytes))
                try body(memory, count)
            }
        }
    }
#endif
