// What can be undone and done again.

import { type Change, type LabelMap, replay, revert } from "../label-map";

export const MAX_BYTES = 64 * 2 ** 20;
const BYTES_PER_NUMBER = 8;

/** Keeps as many changes as fit into `maxBytes`; the oldest go first. */
export class History {
  #done: Change[] = [];
  #undone: Change[] = [];
  #bytes = 0;
  #forgotten = 0;

  constructor(private readonly maxBytes = MAX_BYTES) {}

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** How many changes are done, with those that were forgotten. */
  get count(): number {
    return this.#forgotten + this.#done.length;
  }

  /** How many changes can be done again. */
  get undone(): number {
    return this.#undone.length;
  }

  /** What can be done again; what comes next is first. */
  get undoneChanges(): readonly Change[] {
    return this.#undone.toReversed();
  }

  add(change: Change): void {
    if (change.length === 0) return;
    for (const undone of this.#undone) this.#bytes -= undone.length * BYTES_PER_NUMBER;
    this.#undone = [];
    this.#done.push(change);
    this.#bytes += change.length * BYTES_PER_NUMBER;
    while (this.#bytes > this.maxBytes && this.#done.length > 1) {
      this.#bytes -= this.#done.shift()!.length * BYTES_PER_NUMBER;
      this.#forgotten++;
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

  /** A history that goes on where another was: `done` of its changes are done, the others were undone. */
  static restored(changes: readonly Change[], done: number, maxBytes = MAX_BYTES): History {
    const history = new History(maxBytes);
    for (const change of changes.slice(0, done)) history.add(change);
    history.#undone = changes.slice(done).reverse();
    for (const change of history.#undone) history.#bytes += change.length * BYTES_PER_NUMBER;
    return history;
  }
}
