// The photos that are to be labelled, in their order: those that the person holds, then the other picks;
// or test photos.

import { account, recognise } from "../account.svelte";
import { api, asked } from "../api/client";
import { type Assignment, held, labelledAmong, renew } from "../picks/holding";
import { selectionOf } from "../picks/question";
import { labelAddress } from "../router.svelte";
import { following, joined, type Pick } from "./order";

/** So many test photos are offered at once. */
const MOST = 100;

export class Queue {
  picks = $state.raw<Pick[]>([]);
  labelled = $state.raw<ReadonlySet<string>>(new Set());
  /** Who else holds a photo, by its id. */
  holders = $state.raw<ReadonlyMap<string, string>>(new Map());
  loaded = $state(false);
  /** Whether it is of test photos. */
  isTest = $state(false);
  #query = new URLSearchParams();

  constructor(private readonly pool: string) {}

  /**
   * Take the first `budget` picks of the `selection` that an address names; all, and the newest, if it names
   * none; with `split=test`, the test photos without a label map. Throws a Problem if the service does not
   * answer; a pool without a selection has no picks.
   */
  async load(query: URLSearchParams): Promise<void> {
    this.#query = query;
    this.isTest = query.get("split") === "test";
    if (!account.user) await recognise();
    await this.#update(await (this.isTest ? this.#unlabelledTest() : this.#selected()), []);
    this.loaded = true;
  }

  async #selected(): Promise<Pick[]> {
    const found = await selectionOf(this.pool, this.#query.get("selection"));
    if (!found) return [];
    const { picks, deleted } = found;
    const budget = Number(this.#query.get("budget"));
    return picks.slice(0, budget || picks.length).filter(({ image_id }) => !deleted.includes(image_id));
  }

  async #unlabelledTest(): Promise<Pick[]> {
    const query = { split: "test", annotated: false, excluded: false, failed: false, limit: MOST } as const;
    const params = { path: { pool_id: this.pool }, query };
    const { items } = await asked(api.GET("/pools/{pool_id}/images", { params }));
    return items.map(({ id, name }) => ({ image_id: id, name }));
  }

  /** Ask again what is labelled and who holds what, and hold my own photos for longer. */
  refresh(): Promise<void> {
    return this.#update(this.picks, this.picks);
  }

  /** The photos that I hold come before the `picks`, unless they have a place already. */
  async #update(picks: readonly Pick[], placed: readonly Pick[]): Promise<void> {
    const query = this.#query;
    const open = picks.map(({ image_id }) => image_id).filter((id) => !this.labelled.has(id));
    const [assignments, labelled] = await Promise.all([held(this.pool), labelledAmong(this.pool, open)]);
    if (query !== this.#query) return;
    const isMine = ({ annotator }: Assignment) => annotator === account.user?.name;
    const mine = assignments.filter(isMine);
    const others = assignments.filter((each) => !isMine(each));
    const has = new Set(placed.map(({ image_id }) => image_id));
    const first = (this.isTest ? [] : mine).filter(({ image_id }) => !has.has(image_id));
    this.picks = joined(first, picks);
    this.labelled = new Set([...this.labelled, ...labelled]);
    this.holders = new Map(others.map(({ image_id, annotator }) => [image_id, annotator]));
    await renew(mine);
  }

  finished(id: string): void {
    this.labelled = new Set([...this.labelled, id]);
  }

  /** What the service refused is labelled only if it was before, or by somebody else. */
  async refused(id: string): Promise<void> {
    this.labelled = new Set([...this.labelled].filter((each) => each !== id));
    await this.refresh();
  }

  /** The next photo after `current` that is not labelled and that nobody else holds. */
  next(current: string | undefined): Pick | undefined {
    return following(this.picks, current, (id) => !this.labelled.has(id) && !this.holders.has(id));
  }

  /** Where a photo is labelled as one of this queue; without a photo, the next one. */
  address(image?: string): string {
    return labelAddress(this.pool, this.#query, image);
  }

  get isLabelled(): boolean {
    return this.picks.every(({ image_id }) => this.labelled.has(image_id));
  }
}
