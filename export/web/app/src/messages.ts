/** The cache in which the service worker puts a photograph that another app shares, under the address `photo`. */
export const SHARED_CACHE = "mim-tf-shared";

/** What the service worker tells the pages about the download of the app's files, in bytes. */
export type FromWorker =
  | { readonly type: "progress"; readonly loaded: number; readonly total: number }
  | { readonly type: "retrying"; readonly seconds: number };

/** What a page asks of a service worker that waits: to replace the one before. */
export type ToWorker = "use now";
