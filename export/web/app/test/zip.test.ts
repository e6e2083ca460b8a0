import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("document", { documentElement: {} });
const { readZip } = await import("../src/bundle/zip");

const released = process.env.MIM_BUNDLE ?? fileURLToPath(new URL("../../../released", import.meta.url));
const manifest = readFileSync(`${released}/manifest.json`);
const model = readFileSync(`${released}/mim.tflite`);

/** An archive of these files, stored without compression, which is faster. */
function archive(files: Record<string, Uint8Array>, name = "made.zip"): File {
  return new File([zipSync(files, { level: 0 }).slice()], name);
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

describe("readZip", () => {
  it("takes manifest and model of an archive with other files", async () => {
    const read = await readZip(
      archive({ "golden/00_input.png": bytes("?"), "manifest.json": manifest, "mim.tflite": model }),
    );
    expect(read.name).toBe("made.zip");
    expect(await read.manifest.text()).toBe(manifest.toString());
    const digest = createHash("sha256")
      .update(Buffer.from(await read.model.arrayBuffer()))
      .digest("hex");
    expect(digest).toBe(JSON.parse(manifest.toString()).files["mim.tflite"].sha256);
  });

  it("refuses a model that differs in one byte", async () => {
    const changed = Uint8Array.from(model);
    changed[1000] ^= 1;
    await expect(readZip(archive({ "manifest.json": manifest, "mim.tflite": changed }))).rejects.toThrow(
      /^mim.tflite: differs from its sha256 in manifest.json/,
    );
  });

  it("refuses another format", async () => {
    const other = bytes(JSON.stringify({ ...JSON.parse(manifest.toString()), format: 3 }));
    await expect(readZip(archive({ "manifest.json": other, "mim.tflite": model }))).rejects.toThrow(
      /format 3.*reads 4/,
    );
  });

  it("names a missing file", async () => {
    await expect(readZip(archive({ "manifest.json": manifest }))).rejects.toThrow("mim.tflite is missing");
    await expect(readZip(archive({}))).rejects.toThrow("manifest.json is missing");
  });

  it("refuses what is no archive, and an archive that ends early", async () => {
    await expect(readZip(new File(["no archive"], "a.zip"))).rejects.toThrow("it is not a zip archive");
    await expect(readZip(new File([], "a.zip"))).rejects.toThrow("it is not a zip archive");
    const whole = await archive({ "manifest.json": manifest, "mim.tflite": model }).arrayBuffer();
    for (const length of [100, 1_000_000, whole.byteLength - 10]) {
      // mim.tflite ends with a small archive of its own, which may be what is found at the end.
      await expect(readZip(new File([whole.slice(0, length)], "a.zip"))).rejects.toThrow(
        /not a zip archive|is missing/,
      );
    }
  });

  it("refuses a file that states a size of more than 64 MB, without unpacking it", async () => {
    const content = zipSync({ "manifest.json": new Uint8Array(65_000_000), "mim.tflite": bytes("?") }, { level: 1 });
    expect(content.length).toBeLessThan(1_000_000);
    await expect(readZip(new File([content.slice()], "a.zip"))).rejects.toThrow("it is larger than 64 MB");
  }, 30_000);
});
