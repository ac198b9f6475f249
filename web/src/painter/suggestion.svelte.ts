// The suggestion that lies over the photo: learned after each stroke, or made by a model.

import { bytes, type Image, said } from "../api/client";
import { words } from "../words";
import { type Classes, coloursOf } from "./files";
import type { LabelMap } from "./label-map";
import type { Layer } from "./layer";
import { Suggestions } from "./suggestions";

/** Nothing is suggested; it is learned from strokes and finished photos; all other sources are ids of models. */
export const [NOTHING, STROKES] = ["nothing", "strokes"];

export class Suggestion {
  layer = $state.raw<Layer | null>(null);
  /** Whether one is on its way. */
  isComing = $state(false);
  /** Whether strokes and finished photos show too few classes to learn from: one alone teaches nothing. */
  isUntaught = $state(false);
  failure = $state("");
  /** A test photo's label map is to be a person's own, unless the person wants it otherwise. */
  #chosen = $state({ train: STROKES, test: NOTHING });
  #split = $state<Image["split"]>("train");
  #image = "";
  #asking: Suggestions;

  /** `taught` are the classes that finished photos show. */
  constructor(
    private readonly table: Classes,
    private readonly taught: () => ReadonlySet<number>,
  ) {
    this.#asking = new Suggestions(
      bytes,
      coloursOf(table),
      table.ignore,
      (layer) => ([this.layer, this.failure, this.isComing] = [layer, "", false]),
      (error) => ([this.failure, this.isComing] = [told(error), false]),
    );
  }

  get source(): string {
    return this.#chosen[this.#split];
  }

  /** Suggest from another source, on all photos of the split. */
  choose(source: string, map: LabelMap): void {
    this.#chosen[this.#split] = source;
    this.#begin(map);
  }

  /** A photo is opened; `map` is null if it is only shown. */
  opened({ id, split }: Image, map: LabelMap | null): void {
    [this.#image, this.#split] = [id, split];
    if (map) this.#begin(map);
  }

  /** The photo is left. */
  left(): void {
    this.stop();
    [this.layer, this.failure, this.isUntaught] = [null, "", false];
  }

  /** A stroke has ended, and the map is now like this. */
  stroked(map: LabelMap): void {
    if (this.source !== STROKES) return;
    this.isUntaught = !this.#isTaught(map);
    if (this.isUntaught) {
      this.stop();
      this.layer = null;
      return;
    }
    this.isComing = true;
    this.#asking.stroked(this.#image, map);
  }

  stop(): void {
    this.isComing = false;
    this.#asking.stop();
  }

  #begin(map: LabelMap): void {
    this.left();
    if (this.source === STROKES) return this.stroked(map);
    if (this.source === NOTHING) return;
    this.isComing = true;
    this.#asking.drawn(this.#image, this.source);
  }

  #isTaught({ ids }: LabelMap): boolean {
    const taught = this.taught();
    let [one] = taught;
    return taught.size > 1 || ids.some((id) => id !== this.table.ignore && id !== (one ??= id));
  }
}

function told(error: unknown): string {
  const isLate = error instanceof DOMException && error.name === "TimeoutError";
  return isLate ? words.label.noSuggestion : said(error);
}
