// Which photos are labelled, and who holds which of the others.

import { api, asked, type Image, type Schemas } from "../api/client";

export type Assignment = Schemas["Assignment"];

/** How long somebody holds a photo. It is renewed while they label, once half of it is over. */
export const LEASE_S = 4 * 3600;
const PAGE = 1000;
const IDS_A_REQUEST = 100;

/** The records of the photos; those of deleted ones are left out. */
export async function recordsOf(pool: string, images: readonly string[]): Promise<Image[]> {
  const parts = Array.from({ length: Math.ceil(images.length / IDS_A_REQUEST) }, (_, part) =>
    images.slice(part * IDS_A_REQUEST, (part + 1) * IDS_A_REQUEST),
  );
  const pages = await Promise.all(
    parts.map((id) => {
      const query = { id, limit: IDS_A_REQUEST };
      return asked(api.GET("/pools/{pool_id}/images", { params: { path: { pool_id: pool }, query } }));
    }),
  );
  return pages.flatMap(({ items }) => items);
}

/** Those of the photos that have a label map. */
export async function labelledAmong(pool: string, images: readonly string[]): Promise<string[]> {
  const records = await recordsOf(pool, images);
  return records.filter(isLabelled).map(({ id }) => id);
}

export function isLabelled({ annotation_revision }: Image): boolean {
  return annotation_revision !== null;
}

/** All photos of the pool that somebody holds, in the order of their ranks. */
export async function held(pool: string): Promise<Assignment[]> {
  const found: Assignment[] = [];
  let cursor: string | null = null;
  do {
    const query = { open: true, limit: PAGE, cursor } as const;
    const page: Schemas["Page_Assignment_"] = await asked(
      api.GET("/pools/{pool_id}/assignments", { params: { path: { pool_id: pool }, query } }),
    );
    found.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor);
  return found.sort((one, other) => one.rank - other.rank);
}

/** Hold photos for longer, where half of the time is over. Those that meanwhile are somebody else's are not. */
export async function renew(assignments: readonly Assignment[]): Promise<void> {
  const soon = Date.now() + (LEASE_S / 2) * 1000;
  const ending = assignments.filter(({ lease_expires_at }) => Date.parse(lease_expires_at) < soon);
  await Promise.allSettled(
    ending.map(({ id }) => {
      const params = { path: { assignment_id: id } };
      return api.POST("/assignments/{assignment_id}/renew", { params, body: { lease_s: LEASE_S } });
    }),
  );
}

/** Give photos back: others can have them now. */
export async function giveBack(assignments: readonly Assignment[]): Promise<void> {
  await Promise.all(
    assignments.map(({ id }) =>
      asked(api.DELETE("/assignments/{assignment_id}", { params: { path: { assignment_id: id } } })),
    ),
  );
}
