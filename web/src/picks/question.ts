// What is asked of the service when photos are picked, and what the picks are worth.

import { api, type Asked, asked, type Pool, type Schemas, settled } from "../api/client";
import { words } from "../words";
import { recordsOf } from "./holding";

export type Found = Schemas["SelectionNow"];
export type Explanation = Schemas["Explanation"];

export type Listed = Schemas["ListedSelection"];

export interface Question {
  strategy: string;
  duplicates: boolean;
  balance: boolean;
  model: string | null;
  name: string;
  /** Photos that are not to be picked. */
  exclude: string[];
  /** The only photos to pick from; none: all of the pool. */
  candidates: string[];
}

export const STRATEGIES = [
  ...(["advised", "kmedoids", "words", "facility", "typiclust"] as const),
  ...(["probcover", "kcenter", "fasterpam", "random"] as const),
];
const WAIT_MS = 1000;

/** What a strategy is called, and what it does. */
export function strategyOf(strategy: string): { name: string; does: string } | undefined {
  return words.picksPage.strategies[strategy as keyof typeof words.picksPage.strategies];
}

export function first(pool: Pool): Question {
  const strategy = pool.default_strategy === "kmedoids" ? "advised" : pool.default_strategy;
  return { strategy, duplicates: false, balance: false, model: null, name: "", exclude: [], candidates: [] };
}

/** The selection of this id; without one the pool's newest of train photos, or null if there is none. */
export async function selectionOf(pool: string, id: string | null): Promise<Found | null> {
  const wanted = id || (await selections(pool, 1)).items[0]?.id;
  if (!wanted) return null;
  return asked(api.GET("/selections/{selection_id}", { params: { path: { selection_id: wanted } } }));
}

/** A page of the pool's selections of train photos, newest first. */
export function selections(
  pool: string,
  limit: number,
  cursor: string | null = null,
): Promise<Schemas["CountedPage_ListedSelection_"]> {
  const query = { split: "train", total: true, limit, cursor } as const;
  return asked(api.GET("/pools/{pool_id}/selections", { params: { path: { pool_id: pool }, query } }));
}

/** The question that a selection answers. */
export function answeredBy({ receipt }: Found): Question {
  const { strategy, balance, exclude, candidates } = receipt;
  return {
    strategy,
    duplicates: receipt.duplicates_within !== null,
    balance: balance ?? false,
    model: receipt.model ?? null,
    name: receipt.name ?? "",
    exclude: exclude ?? [],
    candidates: candidates ?? [],
  };
}

/** Pick `most` photos, or as many as there are. Those of `include` are picked in any case. */
export async function picked(
  pool: Pool,
  { duplicates, name, exclude, ...rest }: Question,
  include: string[],
  most: number,
): Promise<Found> {
  const skipped = await recordsOf(pool.id, exclude);
  const body = {
    ...rest,
    include,
    exclude: skipped.filter(({ split, embedded }) => split === "train" && embedded).map(({ id }) => id),
    budget: Math.max(most, include.length),
    or_fewer: true,
    ...(name ? { name } : {}),
    ...(duplicates ? { duplicates_within: "auto" } : {}),
  } as Asked["SelectBody"];
  const params = { path: { pool_id: pool.id } };
  return (await settled(() => api.POST("/pools/{pool_id}/select", { params, body }))) as Found;
}

/** Wait until the encoder has looked at all photos. */
export async function embedded(pool: Pool, busy: (done: number, all: number) => void): Promise<void> {
  for (;;) {
    const params = { path: { pool_id: pool.id } };
    const { counts } = await asked(api.GET("/pools/{pool_id}", { params }));
    if (counts.embedded >= counts.images) return;
    busy(counts.embedded, counts.images);
    const params_ = { path: { pool_id: pool.id }, query: { failed: true, limit: 1, total: true } };
    const failed = await asked(api.GET("/pools/{pool_id}/images", { params: params_ }));
    if (counts.embedded + (failed.total ?? 0) >= counts.images) return;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}
