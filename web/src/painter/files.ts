// The label map of an image: from the service to the painter, and back.

import { api, asked, bytes, type Image, type Pool, Problem } from "../api/client";
import { words } from "../words";
import type { Ready } from "./ahead";
import type { Rgb } from "./colours";
import { isSame, type LabelMap } from "./label-map";
import { inBackground } from "./background";

export type Classes = Exclude<Pool["class_table"], "rgb">;

export interface Opened {
  image: Image;
  file: Blob;
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

/** `ready`: the photo, if it was decoded before; it counts if its bytes are still those of the service. */
export async function open(id: string, ready: Promise<Ready | null>): Promise<Opened> {
  const [image, content, decoded] = await Promise.all([found(id), bytes(`images/${id}/content`), ready]);
  const map = image.annotation_revision === null ? null : await labelMap(id);
  return { image, ...(await photoOf(content, decoded)), map };
}

async function photoOf(content: Response, ready: Ready | null): Promise<Pick<Opened, "file" | "photo">> {
  if (ready?.etag === content.headers.get("ETag")) {
    void content.body?.cancel();
    return ready;
  }
  ready?.photo.close();
  const file = await content.blob();
  return { file, photo: await createImageBitmap(file) };
}

function found(id: string): Promise<Image> {
  return asked(api.GET("/images/{image_id}", { params: { path: { image_id: id } } }));
}

async function labelMap(id: string): Promise<LabelMap> {
  return inBackground("decode", await (await bytes(`images/${id}/annotation`)).arrayBuffer());
}

/** Somebody else saved a label map meanwhile, or withdrew it: then `theirs` and `revision` are null. */
export class Conflict extends Error {
  constructor(
    readonly theirs: LabelMap | null,
    readonly revision: number | null,
  ) {
    super(words.label.changed);
  }
}

/** What a label map was painted on, and for how long. */
export interface Work {
  /** The revision that it goes on from; null if there was none. */
  revision: number | null;
  seconds: number;
}

/**
 * Save the label map as the revision after the work's. Throws Conflict if that is not the newest, unless the
 * newest is the same map: then an answer was lost, or two people agree.
 */
export async function save(
  id: string,
  map: LabelMap,
  { revision, seconds }: Work,
  table: Classes,
): Promise<number> {
  const condition: HeadersInit =
    revision === null ? { "If-None-Match": "*" } : { "If-Match": `"${revision}"` };
  const body = await inBackground("encode", map, coloursOf(table), table.ignore);
  const address = `images/${id}/annotation?active_seconds=${seconds.toFixed(1)}`;
  try {
    const answer = await bytes(address, { method: "PUT", body, headers: condition });
    return ((await answer.json()) as { revision: number }).revision;
  } catch (error) {
    if (!(error instanceof Problem && error.status === 412)) throw error;
    const { annotation_revision: newest } = await found(id);
    if (newest === null) throw new Conflict(null, null);
    const theirs = await labelMap(id);
    if (isSame(theirs, map)) return newest;
    throw new Conflict(theirs, newest);
  }
}

/** Keep the label map as this person's draft. Returns its ETag. */
export async function keepDraft(
  id: string,
  map: LabelMap,
  { revision, seconds }: Work,
  table: Classes,
): Promise<string> {
  const body = await inBackground("encode", map, coloursOf(table), table.ignore);
  const query = new URLSearchParams({ active_seconds: seconds.toFixed(1) });
  if (revision !== null) query.set("revision", String(revision));
  const answer = await bytes(`images/${id}/draft?${query}`, { method: "PUT", body });
  return ((await answer.json()) as { sha256: string }).sha256;
}

export interface Draft extends Work {
  map: LabelMap;
  etag: string;
  /** Milliseconds since it was sent. */
  age: number;
}

/** This person's draft of an image; null if there is none, as for who may only look. */
export async function draftOf(id: string): Promise<Draft | null> {
  const answer = await bytes(`images/${id}/draft`, { cache: "no-store" }).catch((error: unknown) => {
    if (error instanceof Problem && error.status === 403) return null;
    throw error;
  });
  if (!answer || answer.status === 204) return null;
  const { headers } = answer;
  const revision = headers.get("Fewpairs-Revision");
  return {
    map: await inBackground("decode", await answer.arrayBuffer()),
    etag: headers.get("ETag")!.replaceAll('"', ""),
    age: Date.parse(headers.get("Date")!) - Date.parse(headers.get("Last-Modified")!),
    revision: revision === null ? null : Number(revision),
    seconds: Number(headers.get("Fewpairs-Active-Seconds")),
  };
}
