// Which class a label map has at a place.

import type { Pool } from "../../api/client";
import type { LabelMap } from "../../painter/label-map";
import type { Point, Size } from "../../painter/shapes";
import { words } from "../../words";

export interface Class {
  name: string;
  color: readonly number[] | null;
}

const UNLABELLED: Class = { name: words.start.unlabelled, color: null };

/**
 * The class at a point of a photo of this size, whose label map may have another size. Null: beside the photo,
 * or there is no such class.
 */
export function classAt(
  map: LabelMap,
  { x, y }: Point,
  size: Size,
  table: Exclude<Pool["class_table"], "rgb">,
): Class | null {
  if (x < 0 || y < 0 || x >= size.width || y >= size.height) return null;
  const column = Math.floor((x * map.width) / size.width);
  const row = Math.floor((y * map.height) / size.height);
  const id = map.ids[row * map.width + column]!;
  if (id === table.ignore) return UNLABELLED;
  const found = table.classes[id];
  return found ? { name: found.name, color: found.color ?? null } : null;
}
