// The lists of photos that a page shows, as its address names them.

import { api, asked, bytes, type Job, type Pool, type Schemas, settled } from "../api/client";
import { Listing, type Query } from "./listing.svelte";

export const SHOWS = [
  ...(["all", "train", "test", "labelled", "unlabelled"] as const),
  ...(["excluded", "failed", "duplicates", "unsure"] as const),
];
export type Show = (typeof SHOWS)[number];
export const SORTS = ["added", "-added", "name", "-name", "-pixels", "pixels"] as const;
const MOST_ALIKE = 100;

const OF_SHOW: Partial<Record<Show, Query>> = {
  train: { split: "train" },
  test: { split: "test" },
  labelled: { annotated: true },
  unlabelled: { annotated: false },
  excluded: { excluded: true },
  failed: { failed: true },
};

/** The list that the address names. `model` is the newest model, which says what it is unsure of. */
export async function listed(pool: Pool, query: URLSearchParams, model: string | null): Promise<Listing> {
  const show = (query.get("show") ?? "all") as Show;
  const like = query.get("like");
  if (like) return new Listing(pool.id, {}, [like, ...(await alike(like))]);
  if (show === "duplicates") return new Listing(pool.id, {}, await duplicates(pool));
  const [sort, name, by] = ["sort", "name", "by"].map((key) => query.get(key));
  const unsure: Query = show === "unsure" && model ? { sort: "-uncertainty", model, annotated: false } : {};
  return new Listing(pool.id, {
    ...(sort ? { sort: sort as (typeof SORTS)[number] } : {}),
    ...(name ? { contains: name } : {}),
    ...(by ? { annotated_by: by } : {}),
    ...OF_SHOW[show],
    ...unsure,
  });
}

async function alike(image: string): Promise<string[]> {
  const params = { path: { image_id: image }, query: { limit: MOST_ALIKE } };
  const found = (await settled(() =>
    api.GET("/images/{image_id}/similar", { params }),
  )) as Schemas["Similar"];
  return found.items.map((item) => item.image_id);
}

async function duplicates(pool: Pool): Promise<string[]> {
  const params = { path: { pool_id: pool.id } };
  const found = await settled(() => api.GET("/pools/{pool_id}/duplicates", { params }));
  return (found as Schemas["Duplicates"]).groups.flatMap((group) =>
    group.images.map((image) => image.image_id),
  );
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
