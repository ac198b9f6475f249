// The journal of a person: in the browser's database, and where that takes nothing, in memory.

import type { Change } from "../label-map";
import { Indexed } from "./indexed";
import type { Entry, Journal, Kept, Settle } from "./journal";
import { Memory } from "./memory";

/** It never rejects. A photo that the memory has is newer there than in the database. */
export class Lasting implements Journal {
  /** Whether the database took, or gave, what it was asked for last. */
  lasts = $state(true);
  #memory = new Memory();

  constructor(private readonly database: Journal) {}

  async keep(entry: Entry, changes: ReadonlyMap<number, Change>, base?: Uint8Array): Promise<boolean> {
    if (base || !this.#memory.has(entry.image)) {
      const isKept = await this.#tried(() => this.database.keep(entry, changes, base), null);
      if (isKept) await this.#memory.settle(entry.image, () => null);
      if (isKept !== null) return isKept;
    }
    return this.#memory.keep(entry, changes, base);
  }

  async kept(image: string): Promise<Kept | undefined> {
    const found = await this.#memory.kept(image);
    return found ?? this.#tried(() => this.database.kept(image), undefined);
  }

  async entries(): Promise<Entry[]> {
    const found = await this.#tried(() => this.database.entries(), []);
    return [...(await this.#memory.entries()), ...found.filter(({ image }) => !this.#memory.has(image))];
  }

  async settle(image: string, settle: Settle): Promise<void> {
    await this.#memory.settle(image, settle);
    await this.#tried(() => this.database.settle(image, settle), undefined);
  }

  async #tried<Result>(act: () => Promise<Result>, otherwise: Result): Promise<Result> {
    try {
      const result = await act();
      this.lasts = true;
      return result;
    } catch {
      this.lasts = false;
      return otherwise;
    }
  }
}

const journals = new Map<string, Lasting>();

/** The journal of a person: nobody goes on with the strokes of another who uses the same browser. */
export function journalOf(user: string): Lasting {
  const found = journals.get(user) ?? new Lasting(new Indexed(`fewpairs-${user}`));
  journals.set(user, found);
  return found;
}
