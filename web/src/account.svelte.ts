// Who uses the pages, and what they may do.

import { api, asked, type Pool, type Schemas } from "./api/client";
import { words } from "./words";

export type Role = Pool["role"];
export const ROLES: readonly Role[] = ["viewer", "annotator", "curator"];

export const account = $state<{ user: Schemas["User"] | null }>({ user: null });

export async function recognise(): Promise<void> {
  account.user = await asked(api.GET("/me"));
}

export function may(pool: Pool, need: Role): boolean {
  return ROLES.indexOf(pool.role) >= ROLES.indexOf(need);
}

export function isAdmin(): boolean {
  return account.user?.admin ?? false;
}

/** Pages for administrators alone. */
export const OF_ADMINS = ["people", "audit", "settings", "doctor"] as const;

/** Why whoever asks may not see a page; empty if they may, or if it is not known yet. */
export function barred(page: string, pool: Pool | null): string {
  if (account.user && !isAdmin() && OF_ADMINS.some((hall) => hall === page)) return words.barred.admins;
  if (page === "label" && pool && !may(pool, "annotator")) return words.barred.label;
  return "";
}
