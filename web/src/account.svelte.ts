// Who uses the pages, and what they may do.

import { api, asked, type Pool, type Schemas } from "./api/client";

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
