/**
 * Copies the files that the app ships to `public/`: `bundle/` from `app.zip`, which `mim-tf pack` writes, and `litert/`
 * from the package of LiteRT.js.
 *
 *     node tools/prepare.mjs
 *
 * MIM_BUNDLE names another bundle than the released one, PYTHON another Python with mim-tf than that of `.venv`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";

const app = dirname(dirname(fileURLToPath(import.meta.url)));
const repository = join(app, "../../..");
const bundle = process.env.MIM_BUNDLE ?? join(repository, "export/released");
const venv = join(repository, ".venv/bin/python");
const python = process.env.PYTHON ?? (existsSync(venv) ? venv : "python3");
/** The variant that every browser with WebAssembly runs. */
const LITERT = ["litert_wasm_compat_internal.js", "litert_wasm_compat_internal.wasm"];

const temporary = mkdtempSync(join(tmpdir(), "mim-tf-app-"));
try {
  execFileSync(python, ["-m", "mim_tf", "pack", bundle, "--out", temporary], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const files = unzipSync(new Uint8Array(readFileSync(join(temporary, "app.zip"))));
  write("bundle", Object.entries(files));
} catch (error) {
  console.error(`${python} -m mim_tf pack ${bundle}: ${error.message.split("\n")[0]}; install mim-tf, or set PYTHON`);
  process.exitCode = 2;
} finally {
  rmSync(temporary, { recursive: true });
}

const wasm = join(dirname(createRequire(import.meta.url).resolve("@litertjs/core")), "../wasm");
write(
  "litert",
  LITERT.map((name) => [name, readFileSync(join(wasm, name))]),
);

/** Replaces a folder of `public/`. */
function write(folder, files) {
  const out = join(app, "public", folder);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(out, name), content);
}
