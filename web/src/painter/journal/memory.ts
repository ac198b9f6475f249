// A journal that lasts as long as the page.

import type { Change } from "../label-map";
import type { Entry, Journal, Kept, Settle } from "./journal";

export class Memory implements Journal {
  #photos = new Map<string, Kept>();

  has(image: string): boolean {
    return this.#photos.has(image);
  }

  async keep(entry: Entry, changes: ReadonlyMap<number, Change>, base?: Uint8Array): Promise<boolean> {
    const before = base ? { base, changes: [] } : this.#photos.get(entry.image);
    if (!before) return false;
    const all = [...before.changes];
    for (const [place, change] of changes) all[place] = [...change];
    this.#photos.set(entry.image, { entry, base: before.base, changes: all });
    return true;
  }

  async kept(image: string): Promise<Kept | undefined> {
    const found = this.#photos.get(image);
    return found && { ...found, changes: found.changes.slice(0, found.entry.done + found.entry.undone) };
  }

  async entries(): Promise<Entry[]> {
    return [...this.#photos.values()].map(({ entry }) => entry);
  }

  async settle(image: string, settle: Settle): Promise<void> {
    const found = this.#photos.get(image);
    const entry = found && settle(found.entry);
    if (entry) this.#photos.set(image, { ...found, entry });
    else this.#photos.delete(image);
  }
}
