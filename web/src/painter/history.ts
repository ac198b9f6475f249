// What can be undone and done again.

import { type Change, type LabelMap, replay, revert } from "./label-map";

export const MAX_BYTES = 64 * 2 ** 20;
const BYTES_PER_NUMBER = 8;

/** Keeps as many changes as fit into `maxBytes`; the oldest go first. */
export class History {
  #done: Change[] = [];
  #undone: Change[] = [];
  #bytes = 0;

  constructor(private readonly maxBytes = MAX_BYTES) {}

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  add(change: Change): void {
    if (change.length === 0) return;
    for (const undone of this.#undone) this.#bytes -= undone.length * BYTES_PER_NUMBER;
    this.#undone = [];
    this.#done.push(change);
    this.#bytes += change.length * BYTES_PER_NUMBER;
    while (this.#bytes > this.maxBytes && this.#done.length > 1) {
      this.#bytes -= this.#done.shift()!.length * BYTES_PER_NUMBER;
    }
  }

  /** Take the last change back. Returns it, or null if there is none. */
  undo(map: LabelMap): Change | null {
    const change = this.#done.pop() ?? null;
    if (change) {
      revert(map, change);
      this.#undone.push(change);
    }
    return change;
  }

  redo(map: LabelMap): Change | null {
    const change = this.#undone.pop() ?? null;
    if (change) {
      replay(map, change);
      this.#done.push(change);
    }
    return change;
  }

  /** What a reload needs to go on. */
  saved(): { done: Change[]; undone: Change[] } {
    return { done: this.#done, undone: this.#undone };
  }

  static restored(saved: { done: Change[]; undone: Change[] }, maxBytes = MAX_BYTES): History {
    const history = new History(maxBytes);
    for (const change of saved.done) history.add(change);
    history.#undone = saved.undone;
    for (const change of saved.undone) history.#bytes += change.length * BYTES_PER_NUMBER;
    return history;
  }
}
