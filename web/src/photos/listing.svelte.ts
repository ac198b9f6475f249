// A list of photos of which only the parts that are looked at are fetched, in any order.

import { api, asked, type Image, said } from "../api/client";
import type { paths } from "../api/schema";

/** What the service is asked for, besides which part of the list. */
export type Query = Omit<
  NonNullable<paths["/pools/{pool_id}/images"]["get"]["parameters"]["query"]>,
  "cursor" | "limit" | "skip" | "total"
>;

const PART = 100;
const MOST_PARTS = 40;

export class Listing {
  /** How many photos the list has; null until that is known. */
  count = $state<number | null>(null);
  failure = $state("");
  private parts = $state.raw<ReadonlyMap<number, Image[]>>(new Map());
  private waiting = new Set<number>();
  private isOver = false;

  /** The photos that the query finds; or those of `ids`, in this order. */
  constructor(
    private pool: string,
    private query: Query,
    readonly ids: readonly string[] | null = null,
  ) {
    if (ids) this.count = ids.length;
    this.want(0, 0);
  }

  at(place: number): Image | undefined {
    return this.parts.get(Math.floor(place / PART))?.[place % PART];
  }

  /** Every photo that is here now. */
  get here(): Image[] {
    return [...this.parts.values()].flat();
  }

  /** Fetch the photos from `first` to `last`, if they are not here. */
  want(first: number, last: number): void {
    for (let part = Math.floor(first / PART); part <= Math.floor(last / PART); part++) {
      const isBehind = this.count !== null && part * PART >= Math.max(this.count, 1);
      if (!isBehind && !this.parts.has(part) && !this.waiting.has(part)) void this.fetch(part);
    }
  }

  /** Fetch what is shown again, because it may have changed. */
  async refresh(): Promise<void> {
    await Promise.all([...this.parts.keys()].map((part) => this.fetch(part)));
  }

  close(): void {
    this.isOver = true;
  }

  private async fetch(part: number): Promise<void> {
    this.waiting.add(part);
    try {
      const found = this.ids ? await this.named(part) : await this.listed(part);
      if (this.isOver) return;
      const kept = [...this.parts].filter(([other]) => Math.abs(other - part) < MOST_PARTS);
      this.parts = new Map([...kept, [part, found]]);
      this.failure = "";
    } catch (error) {
      this.failure = said(error);
    } finally {
      this.waiting.delete(part);
    }
  }

  private async listed(part: number): Promise<Image[]> {
    const query = { ...this.query, skip: part * PART, limit: PART, total: true };
    const page = await this.ask(query);
    this.count = page.total ?? page.items.length;
    return page.items;
  }

  private async named(part: number): Promise<Image[]> {
    const ids = this.ids!.slice(part * PART, (part + 1) * PART);
    if (ids.length === 0) return [];
    const page = await this.ask({ id: ids, limit: PART });
    const found = new Map(page.items.map((image) => [image.id, image]));
    return ids.map((id) => found.get(id)).filter((image) => image !== undefined);
  }

  private ask(query: NonNullable<paths["/pools/{pool_id}/images"]["get"]["parameters"]["query"]>) {
    const params = { path: { pool_id: this.pool }, query };
    return asked(api.GET("/pools/{pool_id}/images", { params }));
  }
}
