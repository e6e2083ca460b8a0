import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/build.ts",
    // LiteRT.js reports at length on stderr.
    silent: "passed-only",
  },
});
