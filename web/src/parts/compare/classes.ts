// Which class a label map has at a place.

import type { Pool } from "../../api/client";
import type { LabelMap } from "../../painter/label-map";
import type { Point, Size } from "../../painter/shapes";
import { words } from "../../words";

export interface Class {
  name: string;
  color: readonly number[] | null;
}

type Table = Exclude<Pool["class_table"], "rgb">;

/** What stands for unlabelled pixels in label maps: black, unless the class table says otherwise. */
export function unlabelled({ classes, ignore_color }: Table): Class {
  const isTaken = classes.some(({ color }) => color?.every((part) => part === 0));
  return { name: words.start.unlabelled, color: ignore_color ?? (isTaken ? null : [0, 0, 0]) };
}

/**
 * The class at a point of a photo of this size, whose label map may have another size. Null: beside the photo,
 * or there is no such class.
 */
export function classAt(map: LabelMap, { x, y }: Point, size: Size, table: Table): Class | null {
  if (x < 0 || y < 0 || x >= size.width || y >= size.height) return null;
  const column = Math.floor((x * map.width) / size.width);
  const row = Math.floor((y * map.height) / size.height);
  const id = map.ids[row * map.width + column]!;
  if (id === table.ignore) return unlabelled(table);
  const found = table.classes[id];
  return found ? { name: found.name, color: found.color ?? null } : null;
}
