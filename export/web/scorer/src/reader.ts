/** Bytes that are read at a time. */
const BLOCK = 1 << 18;

/** Reads parts of a file in order, without holding more than one block of it. */
export class Reader {
  readonly #file: Blob;
  #start = 0;
  #block: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(file: Blob) {
    this.#file = file;
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#file.size;
  }

  /**
   * Reads bytes.
   *
   * @param at the offset in the file.
   * @param length number of bytes; fewer at the end of the file.
   */
  async read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (at < this.#start || at + length > this.#start + this.#block.length) {
      this.#block = new Uint8Array(await this.#file.slice(at, at + Math.max(length, BLOCK)).arrayBuffer());
      this.#start = at;
    }
    return this.#block.subarray(at - this.#start, at - this.#start + length);
  }

  /** Reads the rest of the current block, at least one byte, or nothing at the end of the file. */
  async readSome(at: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.read(at, 1);
    return this.#block.subarray(at - this.#start);
  }
}
