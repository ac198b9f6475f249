// What is to be done next with a pool, in the eyes of somebody who wants a good model.

import type { Pool } from "./api/client";

/** From so many pairs on, and for so many more, a training is worth its time. */
export const ENOUGH = 3;

export type Next = "pick" | "label" | "train" | "score" | "trainAgain" | "choose" | "test" | "more";

export interface Newest {
  /** How many it learned from. */
  pairs: number;
  isScored: boolean;
}

/** `newest`: the newest model; `hasPicks`: whether photos to label were picked. Null: nothing, or to wait for the work that is under way. */
export function nextOf(
  { train, test }: Pick<Pool["counts"], "train" | "test">,
  newest: Newest | null,
  isAtWork: boolean,
  hasPicks: boolean,
): Next | null {
  if (isAtWork || !train.images) return null;
  if (!train.annotated) return hasPicks ? "label" : "pick";
  if (!newest) return train.annotated < ENOUGH ? "label" : "train";
  if (!newest.isScored && test.annotated) return "score";
  if (train.annotated >= newest.pairs + ENOUGH) return "trainAgain";
  if (!test.annotated) return test.images ? "test" : "choose";
  return train.annotated < train.images ? "more" : null;
}
