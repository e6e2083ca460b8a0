import { checkModel, parseManifest } from "@mim-tf/scorer";
import { unzipSync } from "fflate";
import { fill, t } from "../texts/index";

/** The files of a bundle that the app needs. */
export interface BundleFiles {
  /** Name of the archive. */
  readonly name: string;
  readonly manifest: Blob;
  readonly model: Blob;
}

const WANTED = ["manifest.json", "mim.tflite"];
/** Largest archive and largest file in it, in MB; the released `full.zip` has 8 MB. */
const LARGEST = 64;

/**
 * Reads `app.zip` or `full.zip` of a bundle, and checks the format of its manifest and the sha256 of its model.
 *
 * @param file the archive.
 * @throws Error whose message says in one line what is wrong.
 * @example
 * await readZip(input.files[0]) // { name: "app.zip", manifest, model }
 */
export async function readZip(file: File): Promise<BundleFiles> {
  const large = fill(t().zip.large, { n: LARGEST });
  if (file.size > LARGEST * 1e6) throw new Error(large);
  const content = new Uint8Array(await file.arrayBuffer());
  let files: Record<string, Uint8Array>;
  let tooLarge = false;
  try {
    files = unzipSync(content, {
      filter: ({ name, originalSize }) => {
        const wanted = WANTED.includes(name);
        tooLarge ||= wanted && originalSize > LARGEST * 1e6;
        return wanted && !tooLarge;
      },
    });
  } catch {
    throw new Error(t().zip.damaged);
  }
  if (tooLarge) throw new Error(large);
  const [manifest, model] = WANTED.map((name) => {
    if (!(name in files)) throw new Error(fill(t().zip.missing, { file: name }));
    // A copy of its own, since `crypto.subtle` and `Blob` take no part of a shared buffer.
    return new Uint8Array(files[name]);
  });
  await checkModel(parseManifest(new TextDecoder().decode(manifest)), "mim.tflite", model);
  return { name: file.name, manifest: new Blob([manifest]), model: new Blob([model]) };
}
