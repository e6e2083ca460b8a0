import CMim

/// A photograph whose pixels are read row by row, so that it never has to be in memory as a whole.
///
/// `RGBPhoto` holds decoded pixels; `CGPhoto` decodes with Core Graphics.
public protocol Photo {
    /// Sides in pixels as the file stores them, before the orientation is applied.
    var width: Int { get }
    var height: Int { get }
    /// The value of the EXIF tag 0x0112, 1 to 8; 1 if the file has none. Example: 6 for a phone's portrait photograph.
    var orientation: Int { get }
    /// Largest number of pixels that may be read; a photograph with more is `too large`. By default 250 million.
    var maxPixels: Int { get }

    /// Reads all rows, from the top.
    ///
    /// - Parameter body: takes the next `count` rows, of `width` pixels R, G, B without padding.
    /// - Throws: `UnreadableError` if the file is damaged, and what `body` throws.
    func readRows(_ body: (_ rows: UnsafePointer<UInt8>, _ count: Int) throws -> Void) throws
}

extension Photo {
    public var maxPixels: Int { Int(MIM_MAX_PIXELS) }
}

/// Is thrown by a `Photo` that cannot be decoded: the photograph is `cannot-judge`, `unreadable`.
public struct UnreadableError: Error {
    public init() {}
}

/// Decoded pixels in memory, with the values that the file stores.
public struct RGBPhoto: Photo {
    public let width: Int
    public let height: Int
    public let orientation: Int
    private let rgb: [UInt8]

    /// - Parameters:
    ///   - rgb: `height` rows of `width` pixels R, G, B without padding.
    ///   - orientation: 1 to 8, see `Photo`.
    public init(rgb: [UInt8], width: Int, height: Int, orientation: Int = 1) {
        self.rgb = rgb
        self.width = width
        self.height = height
        self.orientation = orientation
    }

    public func readRows(_ body: (_ rows: UnsafePointer<UInt8>, _ count: Int) throws -> Void) throws {
        guard width > 0, height > 0, rgb.count / 3 / width == height, rgb.count == 3 * width * height else {
            throw UnreadableError()
        }
        try rgb.withUnsafeBufferPointer { try body($0.baseAddress!, height) }
    }
}

/// An error that a user can fix: one line that ends with the remedy.
public struct MimError: Error, CustomStringConvertible {
    public let description: String
}

/// Throws an error for a status of the C library other than `MIM_OK`.
func check(_ status: mim_status) throws {
    guard status == MIM_OK else { throw MimError(description: String(cString: mim_status_text(status))) }
}

/// Whether a photograph is within the limits of the C library, 65 535 pixels a side and 250 million in total, and
/// within its own.
func fits(_ photo: Photo) -> Bool {
    let sides = 1...Int(MIM_MAX_SIDE)
    return sides.contains(photo.width) && sides.contains(photo.height)
        && photo.width * photo.height <= min(photo.maxPixels, Int(MIM_MAX_PIXELS))
}

/// The upright centre square of a photograph, resampled by exact area average to size x size pixels R, G, B.
///
/// - Throws: `UnreadableError` if rows are missing.
func resampled(_ photo: Photo, to size: Int) throws -> [UInt8] {
    let needed = mim_resample_bytes(size)
    let count = 3 * max(size, 1) * max(size, 1)
    let target = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: max(needed, 1), alignment: Int(MIM_ALIGNMENT))
    defer {
        target.deallocate()
        workspace.deallocate()
    }
    var state = mim_resampler()
    try check(
        mim_resample_begin(
            &state, photo.width, photo.height, Int32(photo.orientation), target, size, count, workspace, needed))
    try photo.readRows { rows, count in
        let status = mim_resample_push(&state, rows, count, 3 * photo.width)
        if status == MIM_ORDER { throw UnreadableError() }  // more rows than the header says
        try check(status)
    }
    guard mim_resample_end(&state) == MIM_OK else { throw UnreadableError() }
    return Array(UnsafeBufferPointer(start: target, count: count))
}
