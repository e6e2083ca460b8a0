import { PhotoError, unreadable } from "./errors.js";

/** Brands of the ISO media file format (bytes 8 to 11) that HEIC and HEIF photographs carry. */
const HEIC = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];

/**
 * Checks that a file has one of the three formats that all targets decode to the same pixels.
 *
 * Checks the content, because names and MIME types are often wrong after a photograph has been sent around.
 *
 * @param head the first 12 bytes of the file, or more.
 * @throws PhotoError `unreadable` if the file is not a JPEG, PNG or WebP. HEIC has its own message, because phones write it by
 * default.
 * @example
 * checkFile(new Uint8Array([0xff, 0xd8, 0xff, 0xe0])); // a JPEG: returns
 */
export function checkFile(head: Uint8Array): void {
  const text = String.fromCharCode(...head.subarray(0, 12));
  const known =
    text.startsWith("\xff\xd8\xff") ||
    text.startsWith("\x89PNG\r\n\x1a\n") ||
    (text.startsWith("RIFF") && text.startsWith("WEBP", 8));
  if (known) return;
  if (text.startsWith("ftyp", 4) && HEIC.includes(text.slice(8, 12))) {
    throw new PhotoError(
      "unreadable",
      "a HEIC photograph, which is not supported",
      "save it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible)",
    );
  }
  throw unreadable();
}
