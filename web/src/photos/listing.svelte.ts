// Lists of photos of which only the parts that are looked at are fetched, in any order.

import { api, asked, type ListedImage, said } from "../api/client";
import type { paths } from "../api/schema";

type Asking = NonNullable<paths["/pools/{pool_id}/images"]["get"]["parameters"]["query"]>;
/** What the service is asked for, besides which part of the list. */
export type Query = Omit<Asking, "cursor" | "limit" | "skip" | "total">;

export interface Listing {
  /** How many photos the list has; null until that is known. */
  readonly count: number | null;
  /** Why photos could not be fetched. */
  readonly failure: string;
  /** Every photo that is here now. */
  readonly here: ListedImage[];
  /** Photos that belong together, by the number of their group. */
  readonly groups?: ReadonlyMap<string, number>;
  at(place: number): ListedImage | undefined;
  /** Fetch the photos from `first` to `last`, if they are not here. */
  want(first: number, last: number): void;
  /** The ids of the photos from `first` to `last`, whether they are here or not. */
  ids(first: number, last: number): Promise<string[]>;
  /** Fetch what is here again, because it may have changed. */
  refresh(): Promise<void>;
  close(): void;
}

const PART = 100;
const MOST_PARTS = 40;
const MOST_IDS_AT_ONCE = 1000;

/** The photos that a query finds. */
export class Queried implements Listing {
  count = $state<number | null>(null);
  failure = $state("");
  private parts = $state.raw<ReadonlyMap<number, ListedImage[]>>(new Map());
  private waiting = new Set<number>();
  private wanted = [0, 0];
  private isOver = false;

  constructor(
    private pool: string,
    private query: Query,
  ) {
    this.want(0, 0);
  }

  get here(): ListedImage[] {
    return [...this.parts.values()].flat();
  }

  at(place: number): ListedImage | undefined {
    return this.parts.get(Math.floor(place / PART))?.[place % PART];
  }

  want(first: number, last: number): void {
    this.wanted = [Math.floor(first / PART), Math.floor(last / PART)];
    this.next();
  }

  /** Fetch a part that is looked at now, one at a time: nobody waits for those that were scrolled past. */
  private next(): void {
    if (this.waiting.size) return;
    const [first, last] = this.wanted;
    for (let part = first; part <= last; part++) {
      const isBehind = this.count !== null && part * PART >= Math.max(this.count, 1);
      if (!isBehind && !this.parts.has(part)) return void this.fetch(part).then(() => this.next());
    }
  }

  async ids(first: number, last: number): Promise<string[]> {
    const found: string[] = [];
    for (let skip = first; skip <= last; skip += MOST_IDS_AT_ONCE) {
      const limit = Math.min(MOST_IDS_AT_ONCE, last - skip + 1);
      const page = await listed(this.pool, { ...this.query, skip, limit });
      found.push(...page.items.map(({ id }) => id));
    }
    return found;
  }

  async refresh(): Promise<void> {
    const parts = this.parts.size ? [...this.parts.keys()] : [0];
    await Promise.all(parts.map((part) => this.fetch(part)));
  }

  close(): void {
    this.isOver = true;
  }

  private async fetch(part: number): Promise<void> {
    this.waiting.add(part);
    try {
      const page = await listed(this.pool, { ...this.query, skip: part * PART, limit: PART, total: true });
      if (this.isOver) return;
      this.count = page.total ?? page.items.length;
      const kept = [...this.parts].filter(([other]) => Math.abs(other - part) < MOST_PARTS);
      this.parts = new Map([...kept, [part, page.items]]);
      this.failure = "";
    } catch (error) {
      this.failure = said(error);
      this.wanted = [0, -1]; // until somebody looks again
    } finally {
      this.waiting.delete(part);
    }
  }
}

/** Photos by their ids, in this order. Those that are gone leave the list, and come back when they do. */
export class Named implements Listing {
  failure = $state("");
  readonly groups?: ReadonlyMap<string, number>;
  private records = $state.raw<ReadonlyMap<string, ListedImage | null>>(new Map());
  private present = $derived.by(() => this.all.filter((id) => this.records.get(id) !== null));
  private waiting = new Set<string>();

  constructor(
    private pool: string,
    private all: readonly string[],
    groups?: ReadonlyMap<string, number>,
  ) {
    if (groups) this.groups = groups;
  }

  get count(): number {
    return this.present.length;
  }

  get here(): ListedImage[] {
    return [...this.records.values()].filter((image) => image !== null);
  }

  at(place: number): ListedImage | undefined {
    return this.records.get(this.present[place] ?? "") ?? undefined;
  }

  want(first: number, last: number): void {
    const wanted = this.present.slice(first, last + 1);
    const lacking = wanted.filter((id) => !this.records.has(id) && !this.waiting.has(id));
    if (lacking.length) void this.fetch(lacking);
  }

  ids(first: number, last: number): Promise<string[]> {
    return Promise.resolve(this.present.slice(first, last + 1));
  }

  async refresh(): Promise<void> {
    await this.fetch([...this.records.keys()]);
  }

  close(): void {}

  private async fetch(ids: string[]): Promise<void> {
    for (const id of ids) this.waiting.add(id);
    try {
      const found = new Map(ids.map((id): [string, ListedImage | null] => [id, null]));
      for await (const image of recordsOf(this.pool, ids)) found.set(image.id, image);
      this.records = new Map([...this.records, ...found]);
      this.failure = "";
    } catch (error) {
      this.failure = said(error);
    } finally {
      for (const id of ids) this.waiting.delete(id);
    }
  }
}

/** The records of photos, a part at a time; of those that are gone there is none. */
export async function* recordsOf(
  pool: string,
  ids: readonly string[],
  deleted = false,
): AsyncGenerator<ListedImage> {
  for (let start = 0; start < ids.length; start += PART) {
    const query = { id: ids.slice(start, start + PART), limit: PART, deleted };
    yield* (await listed(pool, query)).items;
  }
}

function listed(pool: string, query: Asking) {
  return asked(api.GET("/pools/{pool_id}/images", { params: { path: { pool_id: pool }, query } }));
}
