// Gets what the next photo needs while this one is labelled.

import type { Send } from "./suggestions";

/** What cannot be got now is got when it is needed. */
export class Ahead {
  readonly #sent = new Set<string>();
  #asking = new AbortController();

  constructor(private readonly send: Send) {}

  /** The photo comes into the browser's cache. */
  photo(image: string): void {
    this.#once(`images/${image}/content`);
  }

  /** The service keeps the features that suggestions for the photo are made of. */
  features(image: string): void {
    this.#once(`images/${image}/suggestion`, { method: "POST", signal: this.#asking.signal });
  }

  /** The photo is opened: now a question with its strokes takes the place of that for its features. */
  opened(): void {
    this.#asking.abort();
    this.#asking = new AbortController();
  }

  #once(path: string, init?: RequestInit): void {
    if (this.#sent.has(path)) return;
    this.#sent.add(path);
    void this.send(path, init)
      .then((answer) => answer.arrayBuffer())
      .catch(() => {});
  }
}
