// Writes what is painted on one photo into the journal, within a fifth of a second.

import { type Change, type LabelMap, revert } from "../label-map";
import type { History } from "./history";
import type { Entry, Journal } from "./journal";

const KEEP_AFTER_MS = 200;

/** What an entry says beside the place in the history. */
export type Facts = Omit<Entry, "width" | "height" | "done" | "undone" | "at" | "waits">;

export class Recorder {
  /** When the journal was written last: the moment that tells what was written then from what came later. */
  at = 0;
  /** Changes that are not in the journal yet, by their places in the history. */
  #pending = new Map<number, Change>();
  /** The stroke that is being painted. */
  #stroke: Change | null = null;
  /** The place in the history at which the journal begins; null if it does not have the map yet. */
  #first: number | null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `first` is 0 if the journal has the map that the history begins with, null if it has nothing. */
  constructor(
    private readonly journal: Journal,
    private readonly map: LabelMap,
    private readonly history: History,
    first: number | null,
    private readonly facts: () => Facts,
  ) {
    this.#first = first;
  }

  /** A stroke goes on. */
  painting(change: Change): void {
    this.#stroke = change;
    this.soon();
  }

  /** The history got a change. */
  added(change: Change): void {
    this.#stroke = null;
    const place = this.history.count - 1;
    if (this.#first !== null && place < this.#first) this.#first = null; // it replaces what the journal began with
    this.#pending.set(place, change);
    this.soon();
  }

  /** Whether something was painted that is not in the journal yet. */
  get pends(): boolean {
    return this.#timer !== undefined;
  }

  /** Something that the journal has is out of date: write it in a moment. */
  soon(): void {
    this.#timer ??= setTimeout(() => void this.keep(), KEEP_AFTER_MS);
  }

  /** Write what is not written yet, now, or after what is being written. */
  keep(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const isThere = this.#first !== null && this.history.count >= this.#first;
    if (isThere && (await this.#put())) return;
    await this.#put(this.#begun());
  }

  async #put(base?: Uint8Array): Promise<boolean> {
    this.at = Math.max(Date.now(), this.at + 1);
    const { width, height } = this.map;
    const { count, undone } = this.history;
    const [first, stroke] = [this.#first!, this.#stroke];
    const changes = new Map(this.#pending);
    if (stroke) changes.set(count, stroke);
    const place = stroke ? { done: count - first + 1, undone: 0 } : { done: count - first, undone };
    const entry = { ...this.facts(), ...place, at: this.at, waits: true, width, height };
    const places = new Map([...changes].map(([at, change]) => [at - first, change]));
    const isKept = await this.journal.keep(entry, places, base);
    for (const [at, change] of changes) {
      if (isKept && this.#pending.get(at) === change) this.#pending.delete(at);
    }
    return isKept;
  }

  /**
   * Let the journal begin with the map before the pending changes, and have all that can be done again written.
   * Returns that map.
   */
  #begun(): Uint8Array {
    const { count } = this.history;
    const base = { ...this.map, ids: this.map.ids.slice() };
    if (this.#stroke) revert(base, this.#stroke);
    const done = [...this.#pending.keys()].filter((place) => place < count).sort((a, b) => b - a);
    for (const place of done) revert(base, this.#pending.get(place)!);
    this.#first = count - done.length;
    this.history.undoneChanges.forEach((change, step) => this.#pending.set(count + step, change));
    return base.ids;
  }
}
