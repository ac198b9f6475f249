// A journal in the browser's database: it outlives the page.

import type { Change } from "../label-map";
import type { Entry, Journal, Kept, Settle } from "./journal";

const [ENTRIES, BASES, CHANGES] = ["entries", "bases", "changes"];
const STORES = [ENTRIES, BASES, CHANGES];

type Stores = Record<string, IDBObjectStore>;

/** Every method rejects if the browser has no database, or no room in it. */
export class Indexed implements Journal {
  #opened: Promise<IDBDatabase> | null = null;

  constructor(private readonly name: string) {}

  keep(entry: Entry, changes: ReadonlyMap<number, Change>, base?: Uint8Array): Promise<boolean> {
    return this.#within("readwrite", (stores, transaction) => {
      if (base) {
        stores[CHANGES].delete(changesOf(entry.image));
        stores[BASES].put(base, entry.image);
      }
      for (const [place, change] of changes) {
        stores[CHANGES].put(Float64Array.from(change), [entry.image, place]);
      }
      stores[ENTRIES].put(entry, entry.image);
      const bases = stores[BASES].count(entry.image);
      bases.onsuccess = () => bases.result === 0 && transaction.abort();
      return () => bases.result > 0;
    });
  }

  kept(image: string): Promise<Kept | undefined> {
    return this.#within("readonly", (stores) => {
      const entry = stores[ENTRIES].get(image) as IDBRequest<Entry | undefined>;
      const base = stores[BASES].get(image) as IDBRequest<Uint8Array>;
      const changes = stores[CHANGES].getAll(changesOf(image)) as IDBRequest<Float64Array[]>;
      return () =>
        entry.result && {
          entry: entry.result,
          base: base.result,
          changes: changes.result
            .slice(0, entry.result.done + entry.result.undone)
            .map((change) => Array.from(change)),
        };
    });
  }

  entries(): Promise<Entry[]> {
    return this.#within("readonly", (stores) => {
      const all = stores[ENTRIES].getAll() as IDBRequest<Entry[]>;
      return () => all.result;
    });
  }

  settle(image: string, settle: Settle): Promise<void> {
    return this.#within("readwrite", (stores) => {
      const reading = stores[ENTRIES].get(image) as IDBRequest<Entry | undefined>;
      reading.onsuccess = () => {
        const entry = reading.result && settle(reading.result);
        if (entry) return stores[ENTRIES].put(entry, image);
        stores[CHANGES].delete(changesOf(image));
        for (const name of [ENTRIES, BASES]) stores[name].delete(image);
      };
      return () => {};
    });
  }

  /** Do something in one transaction. The result is read when it has ended, or `act` has aborted it. */
  async #within<Result>(
    mode: IDBTransactionMode,
    act: (stores: Stores, transaction: IDBTransaction) => () => Result,
  ): Promise<Result> {
    const transaction = (await this.#database()).transaction(STORES, mode);
    const stores = Object.fromEntries(STORES.map((name) => [name, transaction.objectStore(name)]));
    return new Promise((resolve, reject) => {
      const result = act(stores, transaction);
      transaction.oncomplete = () => resolve(result());
      transaction.onabort = () => (transaction.error ? reject(transaction.error) : resolve(result()));
    });
  }

  #database(): Promise<IDBDatabase> {
    this.#opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 1);
      request.onupgradeneeded = () => STORES.forEach((store) => request.result.createObjectStore(store));
      request.onerror = () => reject(request.error!);
      request.onsuccess = () => {
        request.result.onclose = () => (this.#opened = null); // the person removed what the site keeps
        resolve(request.result);
      };
    });
    return this.#opened;
  }
}

function changesOf(image: string): IDBKeyRange {
  return IDBKeyRange.bound([image, 0], [image, Infinity]);
}
