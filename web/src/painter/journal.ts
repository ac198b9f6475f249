// What was painted and is not stored yet, kept in this browser: the map before the first stroke, and every
// change since. A stroke writes only itself, so that it is kept within a moment however large the photo is.
// Each person who uses the browser has a database of their own: nobody goes on with the strokes of another.

import { account } from "../account.svelte";
import { type Change, replay } from "./label-map";

/** What is kept of one photo, beside its map and its changes. */
export interface Entry {
  image: string;
  pool: string;
  width: number;
  height: number;
  /** The revision that was painted on; null if there was none. */
  revision: number | null;
  /** How many of the changes are done; `undone` more can be done again. */
  done: number;
  undone: number;
  /** When it was painted last, in milliseconds. */
  at: number;
  seconds: number;
  /** The ETag of the draft that the service has of it; null if it has none. */
  sent: string | null;
  /** Whether the service lacks something: the newest strokes, or that the label map is finished. */
  waits: boolean;
  /** Whether the person said that it is to be stored as the photo's annotation. */
  finished: boolean;
}

export interface Kept {
  entry: Entry;
  base: Uint8Array;
  /** All changes: the ones that are done, then the ones that were undone. */
  changes: Change[];
}

const [ENTRIES, BASES, CHANGES] = ["entries", "bases", "changes"];
const STORES = [ENTRIES, BASES, CHANGES];

const opened = new Map<string, Promise<IDBDatabase>>();

function database(): Promise<IDBDatabase> {
  const name = `fewpairs-${account.user?.id}`;
  const found = opened.get(name) ?? open(name);
  opened.set(name, found);
  return found;
}

function open(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => STORES.forEach((store) => request.result.createObjectStore(store));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

type Stores = Record<string, IDBObjectStore>;

/** Do something in one transaction; what the returned request found is the result. */
async function within<Result>(
  mode: IDBTransactionMode,
  act: (stores: Stores) => IDBRequest<Result>,
): Promise<Result> {
  const transaction = (await database()).transaction(STORES, mode);
  const stores = Object.fromEntries(STORES.map((name) => [name, transaction.objectStore(name)]));
  return new Promise((resolve, reject) => {
    const request = act(stores);
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error!);
  });
}

function changesOf(image: string): IDBKeyRange {
  return IDBKeyRange.bound([image, 0], [image, Infinity]);
}

/** Keep an entry and these changes, by their places. With `base`, everything before is dropped. */
export function keep(
  entry: Entry,
  changes: ReadonlyMap<number, Change>,
  base?: Uint8Array,
): Promise<unknown> {
  return within("readwrite", (stores) => {
    if (base) {
      stores[CHANGES].delete(changesOf(entry.image));
      stores[BASES].put(base, entry.image);
    }
    for (const [place, change] of changes) {
      stores[CHANGES].put(Float64Array.from(change), [entry.image, place]);
    }
    return stores[ENTRIES].put(entry, entry.image);
  });
}

export async function kept(image: string): Promise<Kept | undefined> {
  const entry = await within<Entry | undefined>("readonly", (stores) => stores[ENTRIES].get(image));
  if (!entry) return undefined;
  const base = await within<Uint8Array>("readonly", (stores) => stores[BASES].get(image));
  const found = await within<Float64Array[]>("readonly", (stores) =>
    stores[CHANGES].getAll(changesOf(image)),
  );
  const changes = found.slice(0, entry.done + entry.undone).map((change) => Array.from(change));
  return { entry, base, changes };
}

/** The map with the changes that are done. */
export function painted({ entry, base, changes }: Kept): Uint8Array {
  const { width, height, done } = entry;
  const map = { width, height, ids: base.slice() };
  for (const change of changes.slice(0, done)) replay(map, change);
  return map.ids;
}

/** The entries of a pool that the service lacks something of. */
export async function waiting(pool: string): Promise<Entry[]> {
  const all = await within<Entry[]>("readonly", (stores) => stores[ENTRIES].getAll());
  return all.filter((entry) => entry.waits && entry.pool === pool);
}

/**
 * The service has the draft `sent` of the moment `at`, or, with null, refused the map of this moment. It lacks
 * nothing, unless the photo was painted on since.
 */
export function mark(image: string, at: number, sent: string | null): Promise<unknown> {
  return within("readwrite", (stores) => {
    const reading = stores[ENTRIES].get(image) as IDBRequest<Entry | undefined>;
    reading.onsuccess = () => {
      const entry = reading.result;
      if (!entry) return;
      const settled = entry.at === at ? { waits: false, finished: false } : {};
      stores[ENTRIES].put({ ...entry, sent: sent ?? entry.sent, ...settled }, image);
    };
    return reading;
  });
}

/** Drop what is kept of a photo, unless it was painted on since the moment `at`. */
export function forget(image: string, at: number): Promise<unknown> {
  return within("readwrite", (stores) => {
    const reading = stores[ENTRIES].get(image) as IDBRequest<Entry | undefined>;
    reading.onsuccess = () => {
      if (reading.result?.at !== at) return;
      stores[CHANGES].delete(changesOf(image));
      for (const name of [ENTRIES, BASES]) stores[name].delete(image);
    };
    return reading;
  });
}
