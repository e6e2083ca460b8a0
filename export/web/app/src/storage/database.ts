/** The stores of the database, each with the path of its keys, or null for keys that are given. */
const STORES = { history: "id", model: null } as const;
const NAME = "mim-tf";
/** Milliseconds after which a browser that does not open the database counts as one without storage. */
const PATIENCE = 5000;

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) request.result.createObjectStore(name, { keyPath });
    };
    const timer = setTimeout(() => reject(new Error("the browser does not open its database; try again")), PATIENCE);
    request.onsuccess = () => {
      clearTimeout(timer);
      // So that no other tab waits for this one.
      request.result.onversionchange = () => {
        request.result.close();
        opened = null;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error);
    };
    request.onblocked = () => reject(new Error("another tab blocks the database; close it, and try again"));
  }).catch((error) => {
    opened = null;
    throw error;
  });
  return opened;
}

/**
 * Runs one request on a store of the database `mim-tf`, and waits until it is on the disk.
 *
 * @param store its name.
 * @param mode whether the request writes.
 * @param ask makes the request.
 * @returns the result of the request.
 * @throws DOMException if the browser has no storage, or it is full; Error if the database does not open in 5 s.
 * @example
 * await inStore("model", "readonly", (store) => store.get("kept"))
 */
export async function inStore<T>(
  store: keyof typeof STORES,
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const request = ask(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}
