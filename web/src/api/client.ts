// Calls of the HTTP API. Everything that a page does goes through here.

import createClient from "openapi-fetch";

import type { Readable } from "openapi-typescript-helpers";

import { words } from "../words";
import { Problem } from "./problem";
import type { components, paths } from "./schema";

export { Problem };

/** The documents of answers, by name; those of requests are `Asked`. */
export type Schemas = { [Name in keyof components["schemas"]]: Readable<components["schemas"][Name]> };
export type Asked = components["schemas"];
export type Pool = Schemas["Pool"];
export type Image = Schemas["Image"];
export type ListedImage = Schemas["ListedImage"];
export type Job = Schemas["Job"];
export type Model = Schemas["Model"];

/** The address of the service, under whatever path it stands; it ends with a slash. */
export const HOME = new URL(document.baseURI).href;

export const api = createClient<paths>({ baseUrl: HOME.replace(/\/$/, "") });

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The document of an answer. Throws a Problem unless the answer is a success. */
export async function asked<Data>(asking: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await asking;
  if (response.ok) return data as Data;
  throw problem(response.status, error);
}

function problem(status: number, body: unknown): Problem {
  const found = (typeof body === "object" ? body : null) as { type?: string; detail?: string } | null;
  const slug = found?.type?.split("/").pop() ?? "unknown";
  return new Problem(status, slug, found?.detail ?? words.problem.noReason(status));
}

/** The items of all pages of a list. */
export async function every<Item>(
  page: (cursor: string | null) => Promise<{ items: Item[]; next?: string | null }>,
): Promise<Item[]> {
  const found: Item[] = [];
  let cursor: string | null = null;
  do {
    const { items, next }: { items: Item[]; next?: string | null } = await page(cursor);
    found.push(...items);
    cursor = next ?? null;
  } while (cursor);
  return found;
}

/** Send or get bytes. Throws a Problem unless the answer is a success. */
export async function bytes(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(new URL(path, HOME), init);
  if (response.ok) return response;
  throw problem(response.status, await response.json().catch(() => null));
}

export function said(error: unknown): string {
  if (error instanceof TypeError) return words.problem.noAnswer;
  return error instanceof Error ? error.message : String(error);
}

/** Ask a question whose answer may be a job that is still at work: again until the job has ended. */
export async function settled<Data>(
  ask: () => Promise<Answer<Data>>,
  busy?: (job: Job) => void,
): Promise<Data> {
  for (;;) {
    const { data, error, response } = await ask();
    if (!response.ok) throw problem(response.status, error);
    if (response.status !== 202) return data as Data;
    busy?.(data as Job);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

export function ended(job: Job): boolean {
  return job.finished_at !== null;
}
