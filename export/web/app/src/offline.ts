import { FILES_CACHE, type FromWorker, type ToWorker } from "./messages";

/** How far the app is kept on the device. */
export type OfflineState =
  | { readonly type: "progress"; readonly loaded: number; readonly total: number }
  | { readonly type: "retrying"; readonly seconds: number }
  | { readonly type: "failed" }
  | { readonly type: "ready" }
  /** The browser has no service workers here, or does not allow them. */
  | { readonly type: "unavailable" };

let state: OfflineState = { type: "progress", loaded: 0, total: 0 };
let updateReady = false;
const listeners = new Set<() => void>();

/** The state now. */
export function offlineState(): OfflineState {
  return state;
}

/** Whether a new version waits. */
export function updateWaits(): boolean {
  return updateReady;
}

/**
 * Calls a function at each change of the state.
 *
 * @returns a function that ends this.
 */
export function onOfflineChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Ends when the files are on the device, or it is certain that the page has to load them itself. */
export async function filesSettled(): Promise<void> {
  const settled = () => ["ready", "failed", "unavailable"].includes(state.type);
  await new Promise<void>((resolve) => {
    if (settled()) return resolve();
    const end = onOfflineChange(() => {
      if (!settled()) return;
      end();
      resolve();
    });
  });
}

/** Keeps the app on the device; call it again after a failure. */
export async function keepOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) return set({ type: "unavailable" });
  if (state.type === "failed") set({ type: "progress", loaded: 0, total: 0 });
  // The model need not wait for the registration.
  if (navigator.serviceWorker.controller && (await hasFiles())) set({ type: "ready" });
  navigator.serviceWorker.onmessage = ({ data, source }: MessageEvent<FromWorker>) => {
    // Browsers end an installation that takes too long; what that worker still says does not count. During an update,
    // the version before is ready all the time.
    const ended = source instanceof ServiceWorker && source.state === "redundant";
    if (!ended && (state.type === "progress" || state.type === "retrying")) set(data);
  };
  navigator.serviceWorker.oncontrollerchange = () => {
    // Another tab has started the new version.
    updateReady = false;
    set(state);
  };
  let registration: ServiceWorkerRegistration;
  try {
    registration = await navigator.serviceWorker.register(new URL("sw.js", document.baseURI), {
      updateViaCache: "none",
    });
  } catch (error) {
    if (state.type === "ready") return;
    // A TypeError: the script could not be downloaded. Otherwise the browser allows none, as in some private windows.
    return set({ type: error instanceof TypeError ? "failed" : "unavailable" });
  }
  if (registration.active && state.type !== "ready") {
    if (await hasFiles()) set({ type: "ready" });
    else registration.active.postMessage("download" satisfies ToWorker);
  }
  if (registration.waiting && registration.active) announceUpdate();
  if (registration.installing) follow(registration, registration.installing);
  registration.onupdatefound = () => follow(registration, registration.installing!);
}

addEventListener("online", () => {
  if (state.type === "failed") void keepOffline();
});

/** Replaces the version in use by the one that waits, and loads the page again. */
export async function updateNow(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  // Another tab may have started it.
  if (!registration?.waiting) return location.reload();
  navigator.serviceWorker.oncontrollerchange = () => location.reload();
  registration.waiting.postMessage("use now" satisfies ToWorker);
}

function follow(registration: ServiceWorkerRegistration, worker: ServiceWorker): void {
  const first = registration.active === null;
  worker.addEventListener("statechange", () => {
    if (worker.state === "installed" && !first) announceUpdate();
    if (worker.state === "activated") set({ type: "ready" });
    if (worker.state === "redundant" && first && state.type !== "ready") set({ type: "failed" });
  });
}

/** Whether the cache has the page, the model and LiteRT.js: a browser may have deleted them. */
async function hasFiles(): Promise<boolean> {
  const needed = ["index.html", "bundle/manifest.json", "bundle/mim.tflite", "litert/litert_wasm_compat_internal.wasm"];
  try {
    const cache = await caches.open(FILES_CACHE);
    const found = await Promise.all(
      needed.map((url) => cache.match(new URL(url, document.baseURI), { ignoreSearch: true })),
    );
    return found.every((response) => response !== undefined);
  } catch {
    return false; // storage is switched off
  }
}

function announceUpdate(): void {
  updateReady = true;
  set(state);
}

function set(next: OfflineState): void {
  state = next;
  for (const listener of [...listeners]) listener();
}
