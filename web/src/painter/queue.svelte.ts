// The picks that are to be labelled, in their order.

import { api, asked, Problem, type Schemas } from "../api/client";

export interface Pick {
  image_id: string;
  name: string;
}

const PAGE = 1000;

export class Queue {
  picks = $state.raw<Pick[]>([]);
  labelled = $state.raw<ReadonlySet<string>>(new Set());

  constructor(private readonly pool: string) {}

  /** Throws a Problem if the service does not answer; a pool without a selection has no picks. */
  async load(): Promise<void> {
    const path = { pool_id: this.pool };
    try {
      this.picks = (await asked(api.GET("/pools/{pool_id}/selection", { params: { path } }))).picks;
    } catch (error) {
      if (!(error instanceof Problem && error.slug === "no-selection")) throw error;
    }
    const found = new Set<string>();
    let cursor: string | null = null;
    do {
      const query = { annotated: true, limit: PAGE, cursor } as const;
      const page: Schemas["CountedPage_Image_"] = await asked(
        api.GET("/pools/{pool_id}/images", { params: { path, query } }),
      );
      for (const { id } of page.items) found.add(id);
      cursor = page.next ?? null;
    } while (cursor);
    this.labelled = found;
  }

  finished(id: string): void {
    this.labelled = new Set([...this.labelled, id]);
  }

  /** The first pick without a label map, other than `current`. */
  next(current: string | undefined): Pick | undefined {
    return this.picks.find(({ image_id }) => image_id !== current && !this.labelled.has(image_id));
  }

  get isDone(): boolean {
    return this.picks.length > 0 && this.next(undefined) === undefined;
  }
}
