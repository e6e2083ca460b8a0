import type { Reason, Verdict } from "@mim-tf/scorer";
import { inStore } from "./database";

/** A saved result. */
export interface Entry {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** null if nothing was computed. */
  readonly pClass: number | null;
  readonly pOther: number | null;
  /** Which model gave the result. */
  readonly modelId: string;
  /** The class of the model, such as mpox. */
  readonly className: string;
  /** The statement of the manifest, which is shown with the verdict. */
  readonly statement: string;
  /** The S x S picture that the model saw, as PNG; null if there is none. */
  readonly picture: Blob | null;
}

/** Saves a result. */
export async function saveEntry(entry: Omit<Entry, "id">): Promise<void> {
  await inStore("history", "readwrite", (store) => store.add({ ...entry, id: crypto.randomUUID() }));
}

/** All saved results, the newest first. */
export async function readEntries(): Promise<Entry[]> {
  const entries = await inStore<Entry[]>("history", "readonly", (store) => store.getAll());
  return entries.sort((a, b) => b.time - a.time);
}

/** Deletes one result. */
export async function deleteEntry(id: string): Promise<void> {
  await inStore("history", "readwrite", (store) => store.delete(id));
}

/** Deletes all results. */
export async function deleteAllEntries(): Promise<void> {
  await inStore("history", "readwrite", (store) => store.clear());
}
