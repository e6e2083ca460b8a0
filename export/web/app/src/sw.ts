/**
 * The service worker: keeps all files of the app on the device, so that it works without a network.
 *
 * Files are kept by address and revision. A download that was interrupted continues with the files that are missing,
 * and an update downloads only the files that changed.
 */
import { FILES_CACHE, SHARED_CACHE, type FromWorker, type ToWorker } from "./messages";

interface KeptFile {
  readonly url: string;
  /** null if the name contains a hash. */
  readonly revision: string | null;
  /** The web manifest, which is small, has none. */
  readonly bytes?: number;
}

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: readonly KeptFile[] };

const FILES = self.__WB_MANIFEST;
/** The texts of a language: the app works without them, in English. */
const LANGUAGE = /^assets\/(es|fr|pt|sw|zh)-/;
/** The page and what it needs come first, the languages last. */
const ORDER = [/^index\.html$/, /^assets\/(?!(es|fr|pt|sw|zh)-)/, /^(bundle|litert)\//];
/** Seconds before each further try of a file. */
const PAUSES = [1, 2, 4];

const keys = new Map(FILES.map((file) => [new URL(file.url, self.registration.scope).href, keyOf(file)]));
const page = new URL("index.html", self.registration.scope).href;

function keyOf({ url, revision }: KeptFile): string {
  const key = new URL(url, self.registration.scope);
  if (revision !== null) key.searchParams.set("revision", revision);
  return key.href;
}

self.addEventListener("install", (event) => event.waitUntil(download()));

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(FILES_CACHE);
      const needed = new Set(keys.values());
      for (const request of await cache.keys()) if (!needed.has(request.url)) await cache.delete(request);
      // The page that was loaded first takes its files from here as well.
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "POST" && url.href === new URL("share", self.registration.scope).href) {
    event.respondWith(share(event.request));
    return;
  }
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  url.hash = url.search = "";
  // The page has every address of a screen; the licences are files of their own.
  const key = keys.get(url.href) ?? (event.request.mode === "navigate" ? keys.get(page) : undefined);
  if (key !== undefined) event.respondWith(answer(key, event.request));
});

self.addEventListener("message", (event) => {
  if ((event.data as ToWorker) === "use now") void self.skipWaiting();
  if ((event.data as ToWorker) === "download") {
    event.waitUntil(
      download().then(
        () => tell({ type: "ready" }),
        () => tell({ type: "failed" }),
      ),
    );
  }
});

/**
 * Downloads what is missing, one file after the other, and reports the progress to all pages. Languages may fail: they
 * are fetched when they are used.
 */
async function download(): Promise<void> {
  const cache = await caches.open(FILES_CACHE);
  const total = FILES.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  let loaded = 0;
  const place = ({ url }: KeptFile) => {
    const found = ORDER.findIndex((pattern) => pattern.test(url));
    return found >= 0 ? found : ORDER.length + Number(LANGUAGE.test(url));
  };
  for (const file of [...FILES].sort((a, b) => place(a) - place(b))) {
    const key = keyOf(file);
    if (!(await cache.match(key))) {
      const before = loaded;
      const onBytes = (bytes: number) => tell({ type: "progress", loaded: before + bytes, total });
      try {
        await cache.put(key, await fetchWhole(file.url, onBytes));
      } catch (error) {
        if (!LANGUAGE.test(file.url)) throw error;
      }
    }
    loaded += file.bytes ?? 0;
    await tell({ type: "progress", loaded, total });
  }
}

/** Fetches a file, and tries again after interruptions. */
async function fetchWhole(url: string, onBytes: (loaded: number) => void): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    try {
      // The browser's own cache could hold an older file of the same name.
      const response = await fetch(new URL(url, self.registration.scope), { cache: "no-cache" });
      if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
      const parts: Uint8Array<ArrayBuffer>[] = [];
      let loaded = 0;
      const reader = response.body!.getReader();
      for (let step = await reader.read(); !step.done; step = await reader.read()) {
        parts.push(step.value);
        onBytes((loaded += step.value.length));
      }
      return new Response(new Blob(parts), { headers: { "content-type": response.headers.get("content-type") ?? "" } });
    } catch (error) {
      if (attempt === PAUSES.length) throw error;
      await tell({ type: "retrying", seconds: PAUSES[attempt] });
      await new Promise((resolve) => setTimeout(resolve, 1000 * PAUSES[attempt]));
    }
  }
}

/** A kept file; if it is missing, the one of the server, which is kept. */
async function answer(key: string, request: Request): Promise<Response> {
  const cache = await caches.open(FILES_CACHE);
  const kept = await cache.match(key);
  if (kept) return kept;
  const response = await fetch(request);
  // An answer to a request for a part of a file is not the file.
  if (response.status === 200) await cache.put(key, response.clone()).catch(() => {}); // the storage may be full
  return response;
}

/** Takes a photograph that another app shares, and opens the app, which judges it. */
async function share(request: Request): Promise<Response> {
  const photo = (await request.formData()).get("photo");
  if (photo instanceof Blob) await (await caches.open(SHARED_CACHE)).put("photo", new Response(photo));
  return Response.redirect(new URL("./#/shared", self.registration.scope), 303);
}

async function tell(message: FromWorker): Promise<void> {
  for (const client of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    client.postMessage(message);
  }
}
