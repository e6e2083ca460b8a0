import Foundation
import MimScorer

// mim-gate BUNDLE PHOTO...: says which photographs pass the checks of the gate that need no model.

let arguments = CommandLine.arguments.dropFirst()
guard let bundle = arguments.first, arguments.count > 1 else {
    FileHandle.standardError.write(Data("usage: mim-gate BUNDLE PHOTO...\n".utf8))
    exit(2)
}
var failed = false
func report(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
    failed = true
}
do {
    let scorer = try MimScorer(manifest: Data(contentsOf: URL(fileURLWithPath: bundle + "/manifest.json")))
    for path in arguments.dropFirst() {
        do {
            let photo = try Pixels(path: path)
            let resampled = try photo.resampled(to: scorer.size)
            let reason = try scorer.reason(photo: photo, resampled: resampled, novelty: 0)
            print("\(path): \(reason.map { "cannot-judge (\($0))" } ?? "can be judged")")
        } catch {
            report("\(error)")
        }
    }
} catch let error as MimError {
    report("\(bundle): \(error)")
} catch {
    report("\(bundle): \(error.localizedDescription); name a folder that mim-tf export wrote")
}
exit(failed ? 2 : 0)
