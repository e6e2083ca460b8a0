import { unreadable } from "./errors.js";
import { orientationOf } from "./orientation.js";
import { Reader } from "./reader.js";

/** The structure of an image file, as far as decoding needs it. */
export interface Container {
  /** Of the stored image, in pixels. */
  readonly width: number;
  /** Of the stored image, in pixels. */
  readonly height: number;
  /** The EXIF orientation, 1 to 8. */
  readonly orientation: number;
  /**
   * The parts that hold pixels, as a file. Without EXIF and profiles every browser decodes the values as they are
   * stored, and no other metadata can make the photograph unreadable.
   */
  readonly pixels: Blob;
}

/** More scans of a JPEG cost as much time as decoding the same number of simple files. */
const MAX_SCANS = 64;
/** Chunks of EXIF with more bytes are ignored, since a chunk can claim 4 GB. */
const LONGEST = 16_000_000;
const [START, END, START_OF_SCAN, EXIF, COMMENT] = [0xd8, 0xd9, 0xda, 0xe1, 0xfe];

/**
 * Reads the structure of a JPEG, PNG or WebP file without decoding it.
 *
 * @throws PhotoError `unreadable` if it holds no whole image.
 * @example
 * const { width, height, orientation } = await readContainer(file); // 4032, 3024, 6
 */
export async function readContainer(file: Blob): Promise<Container> {
  const reader = new Reader(file);
  const head = await reader.read(0, 30);
  if (head[0] === 0xff) return jpeg(file, reader);
  return text(head, 1, 3) === "PNG" ? png(file, reader) : webp(file, reader, head);
}

/** Keeps tables, frame and scans, and of other segments those of JFIF and Adobe, which state the colour space. */
async function jpeg(file: Blob, reader: Reader): Promise<Container> {
  const parts: Blob[] = [file.slice(0, 2)];
  let exif = new Uint8Array();
  let size: { width: number; height: number } | undefined;
  for (let at = 2; ;) {
    const next = await marker(reader, at, false);
    at = next.end;
    if (next.code === START || next.code === END) throw unreadable();
    if (withoutLength(next.code)) continue;
    const end = await segmentEnd(reader, at);
    if (next.code === START_OF_SCAN) {
      if (size === undefined) throw unreadable();
      parts.push(file.slice(at - 2, await imageEnd(reader, end)));
      return { ...size, orientation: orientationOf(exif), pixels: new Blob(parts, { type: "image/jpeg" }) };
    }
    const body = (await reader.read(at, Math.min(end - at, LONGEST))).slice(2);
    if (next.code === EXIF && exif.length === 0 && text(body, 0, 6) === "Exif\0\0") exif = body;
    if (next.code >= 0xc0 && next.code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(next.code)) {
      if (body.length < 6) throw unreadable();
      size = { width: 256 * body[3] + body[4], height: 256 * body[1] + body[2] };
    }
    if (!isBeside(next.code, body)) parts.push(file.slice(at - 2, end));
    at = end;
  }
}

/** Whether a segment is a comment or an application segment that does not state the colour space. */
function isBeside(code: number, body: Uint8Array): boolean {
  if (code === 0xe0) return body.length < 14 || text(body, 0, 5) !== "JFIF\0";
  if (code === 0xee) return body.length < 12 || text(body, 0, 5) !== "Adobe";
  return code === COMMENT || (code >= 0xe0 && code <= 0xef);
}

/** Where the image ends whose first scan begins at `at`. Some browsers decode an image that ends early. */
async function imageEnd(reader: Reader, at: number): Promise<number> {
  for (let scans = 1; scans <= MAX_SCANS;) {
    const next = await marker(reader, at, true);
    if (next.code === END) return next.end;
    at = withoutLength(next.code) ? next.end : await segmentEnd(reader, next.end);
    if (next.code === START_OF_SCAN) scans += 1;
  }
  throw unreadable();
}

/** Finds the next marker: 0xff and a byte that is not 0xff or 0, and between entropy-coded data no restart marker. */
async function marker(reader: Reader, at: number, inData: boolean): Promise<{ code: number; end: number }> {
  for (let block = await reader.readSome(at); block.length > 1; block = await reader.readSome(at)) {
    let place = block.indexOf(0xff);
    for (; place >= 0 && place + 1 < block.length; place = block.indexOf(0xff, place + 1)) {
      const code = block[place + 1];
      const isData = code === 0 || code === 0xff || (inData && code >= 0xd0 && code <= 0xd7);
      if (!isData) return { code, end: at + place + 2 };
    }
    // The block may end with the first byte of a marker.
    at += place < 0 ? block.length : place;
    if (place === 0) break;
  }
  throw unreadable();
}

function withoutLength(code: number): boolean {
  return code === 0x01 || (code >= 0xd0 && code <= 0xd8);
}

/** Where a segment of a JPEG ends, whose length is at `at`. */
async function segmentEnd(reader: Reader, at: number): Promise<number> {
  const bytes = await reader.read(at, 2);
  const length = 256 * bytes[0] + bytes[1];
  if (!(length >= 2 && at + length <= reader.size)) throw unreadable();
  return at + length;
}

/** Keeps IHDR, PLTE, tRNS and IDAT. */
async function png(file: Blob, reader: Reader): Promise<Container> {
  const parts: Blob[] = [file.slice(0, 8)];
  const found = new Set<string>();
  let orientation = 1;
  let size: { width: number; height: number } | undefined;
  let dataEnd = 0; // the image data are consecutive chunks
  for (let at = 8; at + 8 <= reader.size;) {
    const head = await reader.read(at, 8);
    const [length, kind] = [view(head).getUint32(0), text(head, 4, 4)];
    const end = at + 12 + length;
    if (kind === "IDAT" && (dataEnd === 0 || dataEnd === at)) {
      parts.push(file.slice(at, end));
      dataEnd = end;
    } else if (kind === "IEND" || end > reader.size) {
      break;
    } else if (["IHDR", "PLTE", "tRNS", "eXIf"].includes(kind) && !found.has(kind) && length <= LONGEST) {
      const body = (await reader.read(at, 12 + length)).slice();
      const valid = crc32(body.subarray(4, 8 + length)) === view(body).getUint32(8 + length);
      if (kind === "IHDR" && length === 13) size = { width: view(body).getUint32(8), height: view(body).getUint32(12) };
      // Chunks that may be absent count as absent if they are damaged. The decoder checks the others.
      if (kind === "eXIf" && valid) orientation = orientationOf(body.subarray(8, 8 + length));
      if (kind === "IHDR" || kind === "PLTE" || (kind === "tRNS" && valid)) {
        if (dataEnd === 0) parts.push(file.slice(at, end));
      }
      if (valid) found.add(kind);
    }
    at = end;
  }
  if (size === undefined || dataEnd === 0) throw unreadable();
  const last = Uint8Array.of(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82); // IEND
  return { ...size, orientation, pixels: new Blob([...parts, last], { type: "image/png" }) };
}

/** Keeps the chunks with pixels, of an animation those of the first frame. */
async function webp(file: Blob, reader: Reader, head: Uint8Array): Promise<Container> {
  const size = webpSize(head);
  const end = 8 + view(head).getUint32(4, true);
  if (end > reader.size) throw unreadable();
  const parts: (Blob | Uint8Array<ArrayBuffer>)[] = [];
  let [kept, frames, orientation] = [0, 0, 0];
  for (let at = 12; at + 8 <= end;) {
    const chunk = await reader.read(at, 8);
    const [kind, length] = [text(chunk, 0, 4), view(chunk).getUint32(4, true)];
    const after = at + 8 + length + (length % 2);
    if (after > end) throw unreadable();
    if (kind === "ANMF") frames += 1;
    if (kind === "VP8X") {
      const body = (await reader.read(at, after - at)).slice();
      body[8] &= ALPHA | ANIMATION; // no EXIF, XMP and profile
      parts.push(body);
      kept += body.length;
    } else if (["VP8 ", "VP8L", "ALPH", "ANIM"].includes(kind) || (kind === "ANMF" && frames === 1)) {
      parts.push(file.slice(at, after));
      kept += after - at;
    } else if (kind === "EXIF" && orientation === 0 && text(head, 12, 4) === "VP8X" && head[20] & HAS_EXIF) {
      orientation = length <= LONGEST ? orientationOf(await reader.read(at + 8, length)) : 1;
    }
    at = after;
  }
  const start = new Uint8Array(12);
  start.set(head.subarray(0, 12));
  view(start).setUint32(4, 4 + kept, true);
  return { ...size, orientation: orientation || 1, pixels: new Blob([start, ...parts], { type: "image/webp" }) };
}

/** Flags of the chunk VP8X. */
const [ANIMATION, HAS_EXIF, ALPHA] = [2, 8, 16];

function webpSize(head: Uint8Array): { width: number; height: number } {
  const kind = text(head, 12, 4);
  if (head.length < 30) throw unreadable();
  if (kind === "VP8X") {
    const side = (at: number) => 1 + head[at] + 256 * head[at + 1] + 65536 * head[at + 2];
    return { width: side(24), height: side(27) };
  }
  if (kind === "VP8L") {
    const bits = view(head).getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >> 14) & 0x3fff) };
  }
  if (kind !== "VP8 ") throw unreadable();
  return { width: view(head).getUint16(26, true) & 0x3fff, height: view(head).getUint16(28, true) & 0x3fff };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** The checksum of PNG chunks. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
