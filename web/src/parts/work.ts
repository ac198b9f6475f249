// The trainings and scorings of a pool that have not ended, in the order in which workers take them.

import { api, asked, type Job } from "../api/client";

const MOST = 1000;

export async function workOf(pool: string): Promise<Job[]> {
  const queued = await inState(pool, "queued");
  const running = await inState(pool, "running"); // after the others: what starts meanwhile is found twice
  const started = new Set(running.map(({ id }) => id));
  return [...running, ...queued.filter(({ id }) => !started.has(id))];
}

async function inState(pool: string, state: "queued" | "running"): Promise<Job[]> {
  const found = await Promise.all(
    (["train", "evaluate"] as const).map((kind) => {
      const query = { pool, kind, state, limit: MOST } as const;
      return asked(api.GET("/jobs", { params: { query } }));
    }),
  );
  return found.flatMap(({ items }) => items).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What a job waits for. */
export function before(work: readonly Job[], id: string): Job[] {
  const place = work.findIndex((job) => job.id === id);
  return work.slice(0, Math.max(0, place));
}
