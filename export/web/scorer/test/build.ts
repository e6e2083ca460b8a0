/** Builds the package before the tests, which run what is built. */

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

export function setup(): void {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: resolve(import.meta.dirname, ".."), stdio: "inherit" });
}
