// Where a prediction differs from the label map.

import type { LabelMap } from "../../painter/label-map";

const WRONG = new Uint32Array(new Uint8Array([230, 30, 30, 200]).buffer)[0];
const UNKNOWN = new Uint32Array(new Uint8Array([128, 128, 128, 160]).buffer)[0];

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
      pixels[at] = UNKNOWN;
      return;
    }
    labelled++;
    if (id === predicted.ids[at]) return;
    wrong++;
    pixels[at] = WRONG;
  });
  return { picture, wrong, labelled };
}
