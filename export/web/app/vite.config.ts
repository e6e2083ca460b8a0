import { readFileSync } from "node:fs";
import { defineConfig } from "vite";
import { VitePWA } from "vite-plugin-pwa";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string };

/** Largest size of all files that are kept on a device. */
const LARGEST_PRECACHE = 14_000_000;

export default defineConfig({
  // Relative, so that the app can be served from any folder.
  base: "./",
  define: { __VERSION__: JSON.stringify(version) },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  plugins: [
    {
      name: "styles-of-the-development-server",
      apply: "serve",
      // Vite's development server puts styles into the page, which the policy forbids.
      transformIndexHtml: (html) => html.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
    },
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src",
      filename: "sw.ts",
      injectRegister: false,
      manifest: {
        name: "mim-tf",
        short_name: "mim-tf",
        description: "Compares a photograph of skin with mpox, on the device. Research software, not a diagnosis.",
        start_url: "./",
        scope: "./",
        display: "standalone",
        background_color: "#f7f8f9",
        theme_color: "#0f4c5c",
        categories: ["education", "medical"],
        icons: [
          { src: "icons/icon.svg", sizes: "any", type: "image/svg+xml" },
          { src: "icons/192.png", sizes: "192x192", type: "image/png" },
          { src: "icons/512.png", sizes: "512x512", type: "image/png" },
          { src: "icons/maskable.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
        ],
        share_target: {
          action: "share",
          method: "POST",
          enctype: "multipart/form-data",
          params: { files: [{ name: "photo", accept: ["image/jpeg", "image/png", "image/webp"] }] },
        },
      },
      // The patterns below have the icons already.
      includeManifestIcons: false,
      injectManifest: {
        globPatterns: ["**/*"],
        // The plugin adds its manifest itself.
        globIgnores: ["sw.js", "manifest.webmanifest", "icons/maskable.png", "icons/512.png"],
        maximumFileSizeToCacheInBytes: LARGEST_PRECACHE,
        // The names of these files contain their hash.
        dontCacheBustURLsMatching: /^assets\//,
        manifestTransforms: [
          async (entries) => {
            const total = entries.reduce((sum, entry) => sum + entry.size, 0);
            if (total > LARGEST_PRECACHE) throw new Error(`the app has ${total} bytes, more than ${LARGEST_PRECACHE}`);
            // The service worker reports its progress in bytes.
            return { manifest: entries.map((entry) => ({ ...entry, bytes: entry.size })), warnings: [] };
          },
        ],
      },
    }),
  ],
});
