// What is done to photos, each act of which can be taken back while the page is open.

import { api, asked, type Image, Problem, said, settled } from "../api/client";
import { each } from "../parts/each";
import { counted, words } from "../words";

const text = words.photosPage;

export interface Changes {
  excluded?: boolean;
  split?: "train" | "test";
}

/** Something that can be done to photos, and undone. */
export interface Act {
  /** What it did to so many photos. */
  said: (count: number) => string;
  forth: (image: Image) => Promise<unknown>;
  /** `image` is the photo as it was before. */
  back: (image: Image) => Promise<unknown>;
}

interface Done {
  act: Act;
  images: Image[];
}

export function change(changes: Changes): Act {
  return {
    said: (count) => saidOf(changes, count),
    forth: ({ id }) => patched(id, changes),
    back: ({ id, excluded, split }) =>
      patched(id, {
        ...(changes.excluded === undefined ? {} : { excluded }),
        ...(changes.split === undefined ? {} : { split }),
      }),
  };
}

export const remove: Act = { said: text.deleted, forth: deleted, back: undeleted };
export const restore: Act = { said: text.restored, forth: undeleted, back: deleted };

/** The acts of one pool: what was done last, what can be taken back, and what can be done again. */
export class Acts {
  said = $state("");
  /** When something was done last, in milliseconds. */
  workedAt = 0;
  /** Why some photos were left as they were. */
  refused = $state.raw<string[]>([]);
  done = $state.raw<readonly Done[]>([]);
  undone = $state.raw<readonly Done[]>([]);
  /** How many photos were worked on, of how many; null while nothing is done. */
  progress = $state.raw<{ done: number; all: number } | null>(null);
  private isStopped = false;

  async act(act: Act, images: Iterable<Image> | AsyncIterable<Image>, count: number): Promise<void> {
    const changed = await this.work(images, count, act.forth);
    this.said = act.said(changed.length);
    if (changed.length === 0) return;
    this.done = [...this.done, { act, images: changed }];
    this.undone = [];
  }

  /** Take the last act back. Photos for which that fails can be tried again. */
  async undo(): Promise<void> {
    const last = this.done.at(-1);
    if (!last) return;
    const back = await this.work(last.images, last.images.length, last.act.back);
    this.said = text.undone(last.act.said(back.length));
    this.done = [...this.done.slice(0, -1), ...rest(last, back)];
    if (back.length) this.undone = [...this.undone, { act: last.act, images: back }];
  }

  /** Do again what was taken back last. */
  async redo(): Promise<void> {
    const last = this.undone.at(-1);
    if (!last) return;
    const again = await this.work(last.images, last.images.length, last.act.forth);
    this.said = last.act.said(again.length);
    this.undone = [...this.undone.slice(0, -1), ...rest(last, again)];
    if (again.length) this.done = [...this.done, { act: last.act, images: again }];
  }

  /** Leave the photos that were not worked on yet as they are. */
  stop(): void {
    this.isStopped = true;
  }

  /** Those that it worked for. The sentences of the others, each once, are in `refused`. */
  private async work(
    images: Iterable<Image> | AsyncIterable<Image>,
    all: number,
    step: (image: Image) => Promise<unknown>,
  ): Promise<Image[]> {
    const changed: Image[] = [];
    const refused = new Map<string, number>();
    const note = (error: unknown) => refused.set(said(error), (refused.get(said(error)) ?? 0) + 1);
    this.isStopped = false;
    this.progress = { done: 0, all };
    try {
      await each(images, async (image) => {
        if (this.isStopped) return;
        try {
          await step(image);
          changed.push(image);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          note(error);
        }
        this.progress = { done: Math.min(all, this.progress!.done + 1), all };
      });
    } catch (error) {
      note(error);
    }
    this.progress = null;
    this.refused = [...refused].map(([why, times]) =>
      times > 1 ? `${why} (${counted(times, "photo")})` : why,
    );
    this.workedAt = Date.now();
    return changed;
  }
}

const ofPools = new Map<string, Acts>();

/** They are kept until the page is loaded anew. */
export function actsOf(pool: string): Acts {
  const acts = ofPools.get(pool) ?? new Acts();
  ofPools.set(pool, acts);
  return acts;
}

/** What is left of an act when it was taken back, or done again, for some of its photos. */
function rest({ act, images }: Done, without: Image[]): Done[] {
  const gone = new Set(without);
  const left = images.filter((image) => !gone.has(image));
  return left.length ? [{ act, images: left }] : [];
}

function saidOf(changes: Changes, count: number): string {
  if (changes.split) return text.moved(count, words.splits[changes.split]);
  return changes.excluded ? text.excluded(count) : text.included(count);
}

function patched(id: string, body: Changes): Promise<unknown> {
  const params = { path: { image_id: id } };
  return settled(() => api.PATCH("/images/{image_id}", { params, body }));
}

function deleted({ id }: Image): Promise<unknown> {
  return asked(api.DELETE("/images/{image_id}", { params: { path: { image_id: id } } }));
}

function undeleted({ id }: Image): Promise<unknown> {
  return asked(api.POST("/images/{image_id}/undelete", { params: { path: { image_id: id } } }));
}
