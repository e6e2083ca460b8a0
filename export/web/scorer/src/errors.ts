/**
 * An error that a user can fix. The message is one line: the problem, then the remedy.
 *
 * @example
 * new MimError("a HEIC photograph", "save it as JPEG").message // "a HEIC photograph; save it as JPEG"
 */
export class MimError extends Error {
  constructor(problem: string, remedy: string) {
    super(`${problem}; ${remedy}`.replace(/\s+/g, " "));
    this.name = "MimError";
  }
}
