// The label map of an image: from the service to the painter, and back.

import { api, asked, bytes, type Image, type Pool, Problem } from "../api/client";
import type { Rgb } from "./colours";
import type { LabelMap } from "./label-map";
import { decoded, encoded } from "./png";

export type Classes = Exclude<Pool["class_table"], "rgb">;

export interface Opened {
  image: Image;
  photo: ImageBitmap;
  /** The label map that counts; null if the photo has none. */
  map: LabelMap | null;
}

const GREY = [128, 128, 128];

function rgb([red, green, blue]: readonly number[]): Rgb {
  return [red, green, blue];
}

export function coloursOf(table: Classes): Rgb[] {
  return table.classes.map(({ color }) => rgb(color ?? GREY));
}

export async function open(id: string): Promise<Opened> {
  const [image, content] = await Promise.all([
    asked(api.GET("/images/{image_id}", { params: { path: { image_id: id } } })),
    bytes(`images/${id}/content`),
  ]);
  const photo = await createImageBitmap(await content.blob());
  return { image, photo, map: image.annotation_revision === null ? null : await labelMap(id) };
}

async function labelMap(id: string): Promise<LabelMap> {
  return decoded(await (await bytes(`images/${id}/annotation`)).arrayBuffer());
}

/** Somebody else saved a label map meanwhile. */
export class Conflict extends Error {
  constructor(
    readonly theirs: LabelMap,
    readonly revision: number,
  ) {
    super("conflict");
  }
}

/** Save the label map as the revision after `revision`. Throws Conflict if that is not the newest. */
export async function save(
  id: string,
  map: LabelMap,
  revision: number | null,
  table: Classes,
): Promise<number> {
  const condition: HeadersInit =
    revision === null ? { "If-None-Match": "*" } : { "If-Match": `"${revision}"` };
  const body = await encoded(map, coloursOf(table), table.ignore);
  try {
    const answer = await bytes(`images/${id}/annotation`, { method: "PUT", body, headers: condition });
    return ((await answer.json()) as { revision: number }).revision;
  } catch (error) {
    if (!(error instanceof Problem && error.status === 412)) throw error;
    const image = await asked(api.GET("/images/{image_id}", { params: { path: { image_id: id } } }));
    throw new Conflict(await labelMap(id), image.annotation_revision ?? 0);
  }
}

/** What a model makes of an image's photo. */
export async function translated(model: string, image: string): Promise<LabelMap> {
  const body = await (await bytes(`images/${image}/content`)).blob();
  return decoded(await (await bytes(`models/${model}/translate`, { method: "POST", body })).arrayBuffer());
}
