// Calls of the HTTP API. Everything that a page does goes through here.

import createClient from "openapi-fetch";

import type { Readable } from "openapi-typescript-helpers";

import { words } from "../words";
import type { components, paths } from "./schema";

/** The documents of answers, by name; those of requests are `Asked`. */
export type Schemas = { [Name in keyof components["schemas"]]: Readable<components["schemas"][Name]> };
export type Asked = components["schemas"];
export type Pool = Schemas["Pool"];
export type Image = Schemas["Image"];
export type Job = Schemas["Job"];
export type Model = Schemas["Model"];

/** The address of the service, under whatever path it stands; it ends with a slash. */
export const HOME = new URL(document.baseURI).href;

export const api = createClient<paths>({ baseUrl: HOME.replace(/\/$/, "") });

/** An answer that says what is wrong and what to do. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly slug: string,
    detail: string,
  ) {
    super(detail);
  }
}

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

/** A line of a training's history: its step, its losses, and its validation scores where it has any. */
export interface Metric {
  step: number;
  total: number;
  losses: Record<string, number>;
  validation?: Record<string, number | null>;
  steps_per_second?: number;
}

/** Follow a job until it ends; the returned function stops that. A lost connection is taken up again. */
export function followed(
  id: string,
  state: (job: Job) => void,
  metric: (line: Metric) => void = () => {},
): () => void {
  const source = new EventSource(new URL(`jobs/${id}/events`, HOME));
  const read = (event: Event) => JSON.parse((event as MessageEvent<string>).data) as unknown;
  source.addEventListener("metric", (event) => metric(read(event) as Metric));
  source.addEventListener("state", (event) => {
    const job = read(event) as Job;
    state(job);
    if (ended(job)) source.close();
  });
  return () => source.close();
}

export function ended(job: Job): boolean {
  return job.finished_at !== null;
}
