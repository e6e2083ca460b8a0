const TAG = 0x0112;
/** Bytes of the TIFF types that an orientation may have: BYTE, SHORT and LONG. */
const BYTES: Readonly<Record<number, 1 | 2 | 4 | undefined>> = { 1: 1, 3: 2, 4: 4 };

/**
 * The EXIF orientation, from the entry 0x0112 of the first directory alone.
 *
 * @param exif a TIFF block, with or without the prefix of EXIF in JPEG files.
 * @returns 1 to 8; 1 if the entry is missing, is not one BYTE, SHORT or LONG, or has another value.
 * @example
 * // MM, 42, directory at 8 with 1 entry: tag 0x0112, SHORT, 1 value, 6.
 * orientationOf(Uint8Array.of(77, 77, 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0)) // 6
 */
export function orientationOf(exif: Uint8Array): number {
  const block = String.fromCharCode(...exif.subarray(0, 6)) === "Exif\0\0" ? exif.subarray(6) : exif;
  const order = String.fromCharCode(...block.subarray(0, 4));
  const little = order === "II*\0";
  if (!little && order !== "MM\0*") return 1;
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  try {
    const start = view.getUint32(4, little);
    const count = view.getUint16(start, little);
    for (let at = start + 2; at < start + 2 + 12 * count; at += 12) {
      if (view.getUint16(at, little) !== TAG) continue;
      const bytes = BYTES[view.getUint16(at + 2, little)];
      if (bytes === undefined || view.getUint32(at + 4, little) !== 1) return 1;
      const value =
        bytes === 1
          ? view.getUint8(at + 8)
          : bytes === 2
            ? view.getUint16(at + 8, little)
            : view.getUint32(at + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch {
    // The directory ends outside of the block.
  }
  return 1;
}
