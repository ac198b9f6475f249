// Where a prediction differs from the label map.

import type { LabelMap } from "../../painter/label-map";

export const WRONG = [230, 30, 30];
export const UNKNOWN = [128, 128, 128];
const [WRONG_PIXEL, UNKNOWN_PIXEL] = [pixel(WRONG, 200), pixel(UNKNOWN, 160)];

export interface Errors {
  picture: ImageData;
  wrong: number;
  /** Pixels that have a class in the label map. */
  labelled: number;
}

/** Wrong pixels in red, unlabelled ones in grey, all others clear. Null if the two have other sizes. */
export function errors(truth: LabelMap, predicted: LabelMap, unlabelled: number): Errors | null {
  if (truth.width !== predicted.width || truth.height !== predicted.height) return null;
  const picture = new ImageData(truth.width, truth.height);
  const pixels = new Uint32Array(picture.data.buffer);
  let [wrong, labelled] = [0, 0];
  truth.ids.forEach((id, at) => {
    if (id === unlabelled) {
      pixels[at] = UNKNOWN_PIXEL;
      return;
    }
    labelled++;
    if (id === predicted.ids[at]) return;
    wrong++;
    pixels[at] = WRONG_PIXEL;
  });
  return { picture, wrong, labelled };
}

function pixel(color: readonly number[], opacity: number): number {
  return new Uint32Array(new Uint8Array([...color, opacity]).buffer)[0]!;
}
