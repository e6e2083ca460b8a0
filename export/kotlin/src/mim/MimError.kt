package mim

/**
 * What a user or developer can mend: one line that says what is wrong, and the remedy.
 *
 * Example: `MimError("manifest.json", "bundle format 1, this version reads 2", "export the bundle again").message`
 * is `manifest.json: bundle format 1, this version reads 2; export the bundle again`.
 *
 * @param subject the file or argument concerned.
 * @param problem what is wrong, without a final stop.
 * @param remedy what to do about it, as an imperative.
 */
class MimError(subject: String, problem: String, remedy: String) :
    Exception("$subject: $problem; $remedy".replace(Regex("\\s+"), " "))
