// What was painted and is not stored yet: the map before the first stroke, and every change since. A stroke
// writes only itself, so that it is kept within a moment however large the photo is.

import { type Change, replay } from "../label-map";

/** What is kept of one photo, beside its map and its changes. */
export interface Entry {
  image: string;
  pool: string;
  /** The photo's name. */
  name: string;
  width: number;
  height: number;
  /** The revision that was painted on; null if there was none. */
  revision: number | null;
  /** How many of the changes are done; `undone` more can be done again. */
  done: number;
  undone: number;
  /** When it was painted last, in milliseconds; it grows with every write. */
  at: number;
  seconds: number;
  /** The ETag of the draft that the service has of it; null if it has none. */
  sent: string | null;
  /** Whether the service lacks something: the newest strokes, or that the label map is finished. */
  waits: boolean;
  /** Whether the person said that it is to be stored as the photo's annotation. */
  finished: boolean;
  /** Why the service did not store it though it was finished, until the person knows; null: it was not refused. */
  refusal: string | null;
}

export interface Kept {
  entry: Entry;
  base: Uint8Array;
  /** All changes: the ones that are done, then the ones that were undone. */
  changes: Change[];
}

/** Where photos that are painted are kept, one entry each. */
export interface Journal {
  /**
   * Keep an entry and these changes, by their places. With `base`, everything before is dropped; without, false
   * is the answer if there is nothing before that the changes could go on from, and nothing is kept.
   */
  keep(entry: Entry, changes: ReadonlyMap<number, Change>, base?: Uint8Array): Promise<boolean>;
  kept(image: string): Promise<Kept | undefined>;
  entries(): Promise<Entry[]>;
  /** Replace a photo's entry, if there is one, by what `settle` makes of it; with null, drop all of it. */
  settle(image: string, settle: Settle): Promise<void>;
}

export type Settle = (entry: Entry) => Entry | null;

/** The map with the changes that are done. */
export function painted({ entry, base, changes }: Kept): Uint8Array {
  const { width, height, done } = entry;
  const map = { width, height, ids: base.slice() };
  for (const change of changes.slice(0, done)) replay(map, change);
  return map.ids;
}

/** The service has the draft `sent` of the moment `at`. It lacks nothing, unless the photo was painted on since. */
export function drafted(at: number, sent: string): Settle {
  return (entry) => ({ ...entry, sent, ...settled(entry, at) });
}

/** The service refused the map of the moment `at`, and would again; `reason` is for who has closed the photo. */
export function refused(at: number, reason: string): Settle {
  return (entry) => ({ ...entry, refusal: entry.finished ? reason : entry.refusal, ...settled(entry, at) });
}

/** The person knows of the refusal. */
export function told(entry: Entry): Entry {
  return { ...entry, refusal: null };
}

/** The service has the map of the moment `at` as this revision: what was painted since goes on from there. */
export function stored(at: number, revision: number): Settle {
  return (entry) => (entry.at > at ? { ...entry, revision, sent: null, seconds: 0, refusal: null } : null);
}

function settled(entry: Entry, at: number): Partial<Entry> {
  return entry.at > at ? {} : { waits: false, finished: false };
}
