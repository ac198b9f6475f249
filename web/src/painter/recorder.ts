// Writes what is painted on one photo into the journal of this browser, within a fifth of a second.

import type { History } from "./history";
import { type Entry, keep } from "./journal";
import { type Change, type LabelMap, revert } from "./label-map";

const KEEP_AFTER_MS = 200;

/** What an entry says beside the place in the history. */
export type Facts = Pick<Entry, "image" | "pool" | "revision" | "seconds" | "sent" | "finished">;

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

  /** `first` is 0 if the journal has the map that the history begins with, null if it has nothing. */
  constructor(
    private readonly map: LabelMap,
    private readonly history: History,
    first: number | null,
    private readonly facts: () => Facts,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#first = first;
  }

  /** A stroke goes on. */
  painting(change: Change): void {
    this.#stroke = change;
    this.#soon();
  }

  /** The history got a change. */
  added(change: Change): void {
    this.#stroke = null;
    this.#pending.set(this.history.count - 1, change);
    this.#soon();
  }

  /** A change was undone, or done again. */
  stepped(): void {
    this.#soon();
  }

  /** The service has the map, and the journal does not have it any more. */
  stored(): void {
    this.#first = null;
  }

  /** Whether something was painted that is not in the journal yet. */
  get pends(): boolean {
    return this.#timer !== undefined;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => void this.keep(), KEEP_AFTER_MS);
  }

  /** Write what is not written yet, now. */
  async keep(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.at = Math.max(Date.now(), this.at + 1);
    const { width, height } = this.map;
    const { count, undone } = this.history;
    const base = this.#base();
    const first = this.#first!;
    const changes = new Map([...this.#pending].map(([place, change]) => [place - first, change]));
    if (this.#stroke) changes.set(count - first, this.#stroke);
    this.#pending.clear();
    const done = count - first + (this.#stroke ? 1 : 0);
    const place = { done, undone: this.#stroke ? 0 : undone, at: this.at, waits: true, width, height };
    try {
      await keep({ ...this.facts(), ...place }, changes, base);
    } catch (error) {
      this.#first = null;
      this.failed(error);
    }
  }

  /** The map before the pending changes, if the journal needs it to begin anew. */
  #base(): Uint8Array | undefined {
    const { count } = this.history;
    if (this.#first !== null && count >= this.#first) return undefined;
    const base = { ...this.map, ids: this.map.ids.slice() };
    if (this.#stroke) revert(base, this.#stroke);
    const done = [...this.#pending.keys()].filter((place) => place < count).sort((a, b) => b - a);
    for (const place of done) revert(base, this.#pending.get(place)!);
    this.#first = count - done.length;
    return base.ids;
  }
}
