// A suggestion: a label map that lies over the photo, beneath what is painted, until it is accepted.

import { type Box, type Change, type LabelMap, paint, paste, type Rules } from "./label-map";
import { region } from "./regions";
import type { Size } from "./shapes";

export interface Layer extends Size {
  /** width · height class indices. */
  ids: Uint8Array;
  /** width · height, 0 where the suggestion is sure and 255 where it guesses; null if it does not say. */
  doubt: Uint8Array | null;
  /** What it was learned from: the strokes, or the model with this id. */
  source: string;
}

/** The share of the pixels that are pointed out as the least sure ones: they hold most of the errors. */
const DOUBTFUL_SHARE = 0.2;
/** Along the longer side of an image. A place to look at lies within one of them, to be seen from near. */
const CELLS = 8;

/** What is seen of the layer: its classes where the map is unlabelled, unlabelled everywhere else. */
function seen(map: LabelMap, layer: Layer, unlabelled: number): LabelMap {
  return { ...map, ids: layer.ids.map((id, at) => (map.ids[at] === unlabelled ? id : unlabelled)) };
}

function onlyOver(unlabelled: number): Rules {
  return { unlabelled, onlyUnlabelled: true, locked: new Set(), onlyClass: null };
}

/** Take over the connected pixels of one suggested class that hold the pixel (x, y). */
export function acceptRegion(map: LabelMap, layer: Layer, x: number, y: number, unlabelled: number): Change {
  const change: Change = [];
  const shown = seen(map, layer, unlabelled);
  const id = shown.ids[y * map.width + x];
  if (id !== unlabelled) paint(map, region(shown, x, y), id, onlyOver(unlabelled), change);
  return change;
}

/** Take over every suggested pixel of a class, or, with null, of every class. */
export function accept(map: LabelMap, layer: Layer, id: number | null, unlabelled: number): Change {
  const change: Change = [];
  const ids = id === null ? layer.ids : layer.ids.map((each) => (each === id ? id : unlabelled));
  paste(map, ids, onlyOver(unlabelled), change);
  return change;
}

/** The doubt from which on a pixel is one of the least sure; 256 if the layer does not say how sure it is. */
export function doubtLimit(layer: Layer): number {
  if (!layer.doubt) return 256;
  const found = new Uint32Array(256);
  for (const doubt of layer.doubt) found[doubt]++;
  let above = 0;
  for (let limit = 255; limit > 0; limit--) {
    above += found[limit];
    if (above > layer.doubt.length * DOUBTFUL_SHARE) return Math.min(255, limit + 1);
  }
  return 1;
}

/** Where the layer is seen and least sure: parts of cells of the image, those with the most such pixels first. */
export function doubtful(map: LabelMap, layer: Layer, unlabelled: number): Box[] {
  const limit = doubtLimit(layer);
  const side = Math.ceil(Math.max(map.width, map.height) / CELLS);
  const across = Math.ceil(map.width / side);
  const places: { box: Box; pixels: number }[] = [];
  seen(map, layer, unlabelled).ids.forEach((id, at) => {
    if (id === unlabelled || layer.doubt![at] < limit) return;
    const [x, y] = [at % map.width, Math.floor(at / map.width)];
    const cell = Math.floor(y / side) * across + Math.floor(x / side);
    const place = (places[cell] ??= { box: { left: x, top: y, right: x, bottom: y }, pixels: 0 });
    place.box.left = Math.min(place.box.left, x);
    place.box.right = Math.max(place.box.right, x + 1);
    place.box.bottom = y + 1;
    place.pixels++;
  });
  return places.sort((a, b) => b.pixels - a.pixels).flatMap(({ box }) => box);
}
