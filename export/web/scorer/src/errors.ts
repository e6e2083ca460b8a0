/**
 * An error that a user can fix. The message is one line: the problem, then the remedy.
 *
 * @example
 * new MimError("a HEIC photograph", "save it as JPEG").message // "a HEIC photograph; save it as JPEG"
 */
export class MimError extends Error {
  /** What is wrong, such as `a HEIC photograph`. */
  readonly problem: string;
  /** What the user can do, in the imperative, such as `save it as JPEG`. */
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(`${problem}; ${remedy}`.replace(/\s+/g, " "));
    this.name = "MimError";
    this.problem = problem;
    this.remedy = remedy;
  }
}

/**
 * A file that is no photograph which can be judged. Its verdict is `cannot-judge`, with this reason.
 *
 * @example
 * new PhotoError("unreadable", "a HEIC photograph", "save it as JPEG").reason // "unreadable"
 */
export class PhotoError extends MimError {
  readonly reason: "unreadable" | "too large";

  constructor(reason: "unreadable" | "too large", problem: string, remedy: string) {
    super(problem, remedy);
    this.name = "PhotoError";
    this.reason = reason;
  }
}

/** The error of a file with the wrong content, or with damage. */
export function unreadable(): PhotoError {
  return new PhotoError("unreadable", "not a readable image", "replace the file with a JPEG, PNG or WebP photograph");
}

/** The error of a photograph with more pixels than can be decoded. */
export function tooLarge(problem: string): PhotoError {
  return new PhotoError("too large", problem, "shrink the image");
}
