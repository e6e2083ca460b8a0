/**
 * What a user can mend, as one line: the problem, then what to do about it.
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
