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
  /** How many more classes strokes and finished photos must show: from one alone nothing can be learned. */
  lacking = $state(0);
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
    [this.layer, this.failure, this.lacking] = [null, "", 0];
  }

  /** A stroke has ended, and the map is now like this. */
  stroked(map: LabelMap): void {
    if (this.source !== STROKES) return;
    this.lacking = this.#lacking(map);
    if (this.lacking) {
      this.stop();
      this.layer = null;
      return;
    }
    this.isComing = true;
    this.#asking.stroked(this.#image, map);
  }

  /** Finished photos may show more than before: ask again if there was too little to learn from. */
  retaught(map: LabelMap): void {
    if (!this.layer && !this.isComing) this.stroked(map);
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

  #lacking({ ids }: LabelMap): number {
    const shown = new Set(this.taught());
    const isEnough = shown.size > 1 || ids.some((id) => id !== this.table.ignore && shown.add(id).size > 1);
    return isEnough ? 0 : 2 - shown.size;
  }
}

function told(error: unknown): string {
  const isLate = error instanceof DOMException && error.name === "TimeoutError";
  return isLate ? words.label.noSuggestion : said(error);
}
