// The lists of photos that a page shows, as its address names them.

import { api, asked, bytes, type Job, type Pool, type Schemas, settled } from "../api/client";
import { type Listing, Named, Queried, type Query } from "./listing.svelte";

export const SHOWS = ["all", "excluded", "failed", "duplicates", "unsure", "deleted"] as const;
export type Show = (typeof SHOWS)[number];
/** What an address may say about a list, besides whether a map is beside it and which photo is open. */
export const FILTERS = ["show", "split", "labelled", "by", "name", "sort", "like"] as const;
const SORTS = ["added", "-added", "name", "-name", "-pixels", "pixels"] as const;
const SORTS_OF_UNSURE = ["-uncertainty", "uncertainty"] as const;
type Sort = (typeof SORTS)[number] | (typeof SORTS_OF_UNSURE)[number];
const MOST_ALIKE = 100;

const OF_SHOW: Partial<Record<Show, Query>> = {
  excluded: { excluded: true },
  failed: { failed: true },
  deleted: { deleted: true },
};

export function shownBy(query: URLSearchParams): Show {
  return SHOWS.find((show) => show === query.get("show")) ?? "all";
}

/** The orders that a list can have, the one that it has unless the address names another first. */
export function sortsOf(show: Show): readonly Sort[] {
  return show === "unsure" ? SORTS_OF_UNSURE : SORTS;
}

/** The list that the address names. `model` is the newest model, which says what it is unsure of. */
export async function listed(pool: Pool, query: URLSearchParams, model: string | null): Promise<Listing> {
  const [show, like] = [shownBy(query), query.get("like")];
  if (like) return new Named(pool.id, [like, ...(await alike(like))]);
  if (show === "duplicates") return duplicates(pool);
  const sort = sortsOf(show).find((each) => each === query.get("sort")) ?? sortsOf(show)[0]!;
  const [name, by, split] = ["name", "by", "split"].map((key) => query.get(key));
  const labelled = query.get("labelled");
  return new Queried(pool.id, {
    ...(show !== "unsure" ? { sort } : model ? { sort, model, annotated: false } : {}),
    ...(name ? { contains: name } : {}),
    ...(by ? { annotated_by: by } : {}),
    ...(split === "train" || split === "test" ? { split } : {}),
    ...OF_SHOW[show],
    ...(labelled ? { annotated: labelled === "yes" } : {}),
  });
}

async function alike(image: string): Promise<string[]> {
  const params = { path: { image_id: image }, query: { limit: MOST_ALIKE } };
  const found = (await settled(() =>
    api.GET("/images/{image_id}/similar", { params }),
  )) as Schemas["Similar"];
  return found.items.map((item) => item.image_id);
}

async function duplicates(pool: Pool): Promise<Listing> {
  const params = { path: { pool_id: pool.id } };
  const found = await settled(() => api.GET("/pools/{pool_id}/duplicates", { params }));
  const groups = new Map<string, number>();
  (found as Schemas["Duplicates"]).groups.forEach(({ images }, number) => {
    for (const { image_id } of images) groups.set(image_id, number + 1);
  });
  return new Named(pool.id, [...groups.keys()], groups);
}

/** The photos of the pool that look like a file, the most alike first. */
export async function alikeFile(pool: Pool, photo: File): Promise<string[]> {
  const answer = await bytes(`pools/${pool.id}/search?limit=${MOST_ALIKE}`, { method: "POST", body: photo });
  let found = (await answer.json()) as Schemas["Similar"] | Job;
  if (answer.status === 202) found = await resultOf<Schemas["Similar"]>(found as Job);
  return (found as Schemas["Similar"]).items.map((item) => item.image_id);
}

async function resultOf<Result>(job: Job): Promise<Result> {
  const params = { path: { job_id: job.id } };
  for (;;) {
    const now = await asked(api.GET("/jobs/{job_id}", { params }));
    if (now.finished_at) {
      if (now.result) return now.result as Result;
      throw new Error(now.error?.detail ?? now.state);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The id of the newest model of the pool; null if there is none. */
export async function newestModel(pool: Pool): Promise<string | null> {
  const params = { path: { pool_id: pool.id }, query: { limit: 1 } };
  const page = await asked(api.GET("/pools/{pool_id}/models", { params }));
  return page.items[0]?.id ?? null;
}
