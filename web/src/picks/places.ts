// Where picks stand on the page.

import type { Schemas } from "../api/client";

export type Pick = Schemas["Pick"];

/**
 * The picks of `now`, those of `before` where they were. What is gone is replaced in its place, but labelled
 * photos stay.
 */
export function inPlace(
  before: readonly Pick[],
  now: readonly Pick[],
  labelled: ReadonlySet<string>,
): readonly Pick[] {
  const known = new Map(now.map((pick) => [pick.image_id, pick]));
  const had = new Set(before.map((pick) => pick.image_id));
  const fresh = now.filter((pick) => !had.has(pick.image_id));
  const placed = before.flatMap((pick) => {
    const stays = known.get(pick.image_id) ?? (labelled.has(pick.image_id) ? pick : fresh.shift());
    return stays ?? [];
  });
  return [...placed, ...fresh];
}
