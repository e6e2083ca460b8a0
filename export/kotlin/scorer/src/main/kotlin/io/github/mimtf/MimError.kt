package io.github.mimtf

/**
 * An error that a user or developer can fix. The message is one line with the problem and the remedy.
 *
 * Example: `MimError("manifest.json", "bundle format 1, this version reads 4", "export the bundle again").message`
 * is `manifest.json: bundle format 1, this version reads 4; export the bundle again`.
 *
 * @param subject the file or argument.
 * @param problem the problem, without a full stop.
 * @param remedy the remedy, as an imperative.
 */
class MimError(subject: String, problem: String, remedy: String) :
    Exception("$subject: $problem; $remedy".replace(Regex("\\s+"), " "))
