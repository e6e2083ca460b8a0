/** The cache in which the service worker puts a photograph that another app shares, under the address `photo`. */
export const SHARED_CACHE = "mim-tf-shared";

/** The cache in which the service worker keeps the files of the app, under their address and `?revision=`. */
export const FILES_CACHE = "mim-tf-files";

/** What the service worker tells the pages about the download of the app's files, in bytes. */
export type FromWorker =
  | { readonly type: "progress"; readonly loaded: number; readonly total: number }
  | { readonly type: "retrying"; readonly seconds: number }
  /** The end of a download that a page has asked for. */
  | { readonly type: "ready" | "failed" };

/** What a page asks of a service worker: to replace the one before, or to download the files that are missing. */
export type ToWorker = "use now" | "download";
