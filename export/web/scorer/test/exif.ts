/**
 * The EXIF orientation of a JPEG, 1 if it has none.
 *
 * The decoder of these tests returns pixels as stored, unlike browsers.
 */
export function orientationOf(jpeg: Buffer): number {
  let at = 2;
  while (jpeg.readUInt16BE(at) !== 0xffda) {
    const [marker, length] = [jpeg.readUInt16BE(at), jpeg.readUInt16BE(at + 2)];
    const segment = jpeg.subarray(at + 4, at + 2 + length);
    if (marker === 0xffe1 && segment.toString("latin1", 0, 6) === "Exif\0\0") return inTiff(segment.subarray(6));
    at += 2 + length;
  }
  return 1;
}

function inTiff(tiff: Buffer): number {
  const little = tiff.toString("latin1", 0, 2) === "II";
  const short = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  for (let entry = 0; entry < short(directory); entry++) {
    const at = directory + 2 + 12 * entry;
    if (short(at) === 274) return short(at + 8);
  }
  return 1;
}
