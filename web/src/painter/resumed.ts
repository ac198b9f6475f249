// With which of a photo's label maps a person goes on: what this browser keeps, their draft, or what is stored.

import type { Draft, Opened } from "./files";
import { type Entry, type Kept, painted } from "./journal/journal";
import { blank, isSame, type LabelMap } from "./label-map";

/** How far the age of a draft may be off: HTTP tells it in whole seconds. */
const CLOCK_MS = 2000;

export interface Resumed {
  map: LabelMap;
  /** What the map is from; with null for both, it is the annotation or nothing was painted. */
  kept: Kept | null;
  draft: Draft | null;
  /** The other one of the two, if they differ. */
  other: LabelMap | null;
  revision: number | null;
  seconds: number;
}

/** The newer one of what the browser keeps and the draft; `now` is in milliseconds, as entries have it. */
export function resumed(
  { image, map }: Opened,
  draft: Draft | null,
  inBrowser: Kept | null,
  unlabelled: number,
  now: number,
): Resumed {
  const local = inBrowser && !draft && isOver(inBrowser.entry) ? null : inBrowser;
  const mine = local && { width: image.width, height: image.height, ids: painted(local) };
  const isSent =
    draft !== null && (local?.entry.sent === draft.etag || (mine !== null && isSame(mine, draft.map)));
  const isLocal = local !== null && (!draft || isSent || now - local.entry.at <= draft.age + CLOCK_MS);
  const work = isLocal ? local.entry : draft;
  return {
    map: (isLocal ? mine : draft?.map) ?? map ?? blank(image, unlabelled),
    kept: isLocal ? local : null,
    draft: isLocal ? null : draft,
    other: draft && local && !isSent ? (isLocal ? draft.map : mine) : null,
    revision: work ? work.revision : image.annotation_revision,
    seconds: work?.seconds ?? 0,
  };
}

/** Whether the service had the draft, so that its absence means that it was stored elsewhere. */
function isOver({ sent, waits }: Entry): boolean {
  return sent !== null && !waits;
}
