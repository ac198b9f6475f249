// The suggestion that lies over the photo: learned after each stroke, or made by a model when it is asked for.

import { bytes, said } from "../api/client";
import { type Classes, coloursOf } from "./files";
import type { LabelMap } from "./label-map";
import type { Layer } from "./layer";
import { ofModel, Suggestions } from "./suggestions";

export class Suggestion {
  layer = $state.raw<Layer | null>(null);
  /** Whether the person wants one after every stroke, and whether they do on this photo. */
  #isWanted = true;
  #isInstant = $state(true);
  /** Whether a model draws. */
  isDrawing = $state(false);
  /** Whether one that follows the strokes is on its way. */
  isLearning = $state(false);
  failure = $state("");
  #asking: Suggestions;
  #image = "";

  constructor(private readonly table: Classes) {
    this.#asking = new Suggestions(
      bytes,
      coloursOf(table),
      table.ignore,
      (layer) => ([this.layer, this.failure, this.isLearning] = [layer, "", false]),
      (error) => ([this.failure, this.isLearning] = [said(error), false]),
    );
  }

  /** Whether to ask after every stroke. */
  get isInstant(): boolean {
    return this.#isInstant;
  }

  set isInstant(is: boolean) {
    this.#isWanted = this.#isInstant = is;
  }

  /** Another photo is opened. */
  opened(image: string): void {
    this.stop();
    this.#image = image;
    this.#isInstant = this.#isWanted;
    [this.layer, this.failure] = [null, ""];
  }

  /** A stroke has ended, and the map is now like this; `hasFinished`: there are other photos to learn from. */
  stroked(map: LabelMap, hasFinished: boolean): void {
    if (!this.#isInstant) return;
    if (!hasFinished && map.ids.every((id) => id === this.table.ignore)) {
      this.stop();
      this.layer = null;
      return;
    }
    this.isLearning = true;
    this.#asking.stroked(this.#image, map);
  }

  /** Show what a model makes of the photo, and keep it. */
  async draw(model: string): Promise<void> {
    const image = this.#image;
    this.stop();
    [this.#isInstant, this.isDrawing, this.failure] = [false, true, ""];
    try {
      const layer = await ofModel(bytes, image, model);
      if (image === this.#image) this.layer = layer;
    } catch (error) {
      if (image === this.#image) this.failure = said(error);
    }
    this.isDrawing = false;
  }

  drop(): void {
    this.stop();
    this.#isInstant = false;
    this.layer = null;
  }

  stop(): void {
    this.isLearning = false;
    this.#asking.stop();
  }
}
