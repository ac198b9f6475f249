// The trainings and scorings that have not ended, in the order in which workers take them.

import { api, asked, type Job } from "../api/client";

const MOST = 1000;

/** Those that run, of all pools that one may see, and those that wait in this one. */
export async function workOf(pool: string): Promise<Job[]> {
  const queued = await found({ pool, state: "queued" });
  const running = await found({ state: "running" }); // after the others: what starts meanwhile is found twice
  const started = new Set(running.map(({ id }) => id));
  return [...running, ...queued.filter(({ id }) => !started.has(id))];
}

async function found(which: { pool?: string; state: "queued" | "running" }): Promise<Job[]> {
  const pages = await Promise.all(
    (["train", "evaluate"] as const).map((kind) => {
      const query = { ...which, kind, limit: MOST };
      return asked(api.GET("/jobs", { params: { query } }));
    }),
  );
  return pages.flatMap(({ items }) => items).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What a job waits for. */
export function before(work: readonly Job[], id: string): Job[] {
  const place = work.findIndex((job) => job.id === id);
  return work.slice(0, Math.max(0, place));
}

/** How long a job took that has ended; null if it has not, or never ran. */
export function secondsOf({ started_at, finished_at }: Job): number | null {
  return started_at && finished_at ? (Date.parse(finished_at) - Date.parse(started_at)) / 1000 : null;
}
