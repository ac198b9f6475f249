// Unfinished label maps, kept in this browser until the service has them.

import type { Change } from "./label-map";

export interface Draft {
  image: string;
  ids: Uint8Array;
  /** The revision that it was painted on; null if there was none. */
  revision: number | null;
  history: { done: Change[]; undone: Change[] };
}

const STORE = "drafts";

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("fewpairs", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "image" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

async function done<Result>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error!);
    });
  } finally {
    database.close();
  }
}

export function keep(draft: Draft): Promise<unknown> {
  return done("readwrite", (store) => store.put(draft));
}

export function kept(image: string): Promise<Draft | undefined> {
  return done<Draft | undefined>("readonly", (store) => store.get(image) as IDBRequest<Draft | undefined>);
}

export function forget(image: string): Promise<unknown> {
  return done("readwrite", (store) => store.delete(image));
}
