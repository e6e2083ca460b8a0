import { SHARED_CACHE } from "./messages";
import { go } from "./router";

/** The photograph to judge; null before one was chosen. */
let photo: Blob | null = null;

/** Judges a photograph on the screen `result`. */
export function judgePhoto(chosen: Blob): void {
  photo = chosen;
  go("result");
}

/** The photograph that was chosen last. */
export function currentPhoto(): Blob | null {
  return photo;
}

/** Judges photographs that are dropped or pasted anywhere on the page. */
export function acceptDropAndPaste(): void {
  addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    takeFirst(event.dataTransfer);
  });
  addEventListener("paste", (event) => takeFirst(event.clipboardData));
}

function takeFirst(data: DataTransfer | null): void {
  const file = data?.files[0];
  if (file) judgePhoto(file);
}

/** Judges a photograph that another app has shared, and forgets the stored copy. */
export async function takeShared(): Promise<void> {
  if (!("caches" in globalThis)) return go("start"); // nothing can have been shared
  const cache = await caches.open(SHARED_CACHE);
  const response = await cache.match("photo");
  await caches.delete(SHARED_CACHE);
  if (response) judgePhoto(await response.blob());
  else go("start");
}
