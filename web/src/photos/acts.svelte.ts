// Changes of photos, a few at a time, each of which can be taken back.

import { api, asked, type Image, Problem, said, settled } from "../api/client";
import { counted, words } from "../words";

const AT_ONCE = 4;
const text = words.photosPage;

export interface Changes {
  excluded?: boolean;
  split?: "train" | "test";
}

/** What was done, and how it is taken back. */
export interface Done {
  said: string;
  refused: string[];
  undo: () => Promise<Done>;
  /** Whether it took something back itself. */
  isUndo?: boolean;
}

export async function change(images: Image[], changes: Changes): Promise<Done> {
  const [changed, refused] = await each(images, (image) => patched(image.id, changes));
  const before = changed.map((image) => ({ image, was: { excluded: image.excluded, split: image.split } }));
  return {
    said: saidOf(changes, changed.length),
    refused,
    undo: async () => {
      const [, failed] = await each(before, ({ image, was }) => {
        const back: Changes = {};
        if (changes.excluded !== undefined) back.excluded = was.excluded;
        if (changes.split !== undefined) back.split = was.split;
        return patched(image.id, back);
      });
      return { said: text.undone, refused: failed, isUndo: true, undo: () => change(changed, changes) };
    },
  };
}

export async function remove(images: Image[]): Promise<Done> {
  const params = (image: Image) => ({ params: { path: { image_id: image.id } } });
  const [removed, refused] = await each(images, (image) =>
    asked(api.DELETE("/images/{image_id}", params(image))),
  );
  return {
    said: text.deleted(removed.length),
    refused,
    undo: async () => {
      const [, failed] = await each(removed, (image) =>
        asked(api.POST("/images/{image_id}/undelete", params(image))),
      );
      return { said: text.undone, refused: failed, isUndo: true, undo: () => remove(removed) };
    },
  };
}

function saidOf(changes: Changes, count: number): string {
  if (changes.split) return text.moved(count, changes.split);
  return changes.excluded ? text.excluded(count) : text.included(count);
}

async function patched(id: string, body: Changes): Promise<unknown> {
  const params = { path: { image_id: id } };
  return settled(() => api.PATCH("/images/{image_id}", { params, body }));
}

/** Those that it worked for, and the sentences of those that it was refused for, each once. */
async function each<Item>(items: Item[], act: (item: Item) => Promise<unknown>): Promise<[Item[], string[]]> {
  const done: Item[] = [];
  const refused = new Map<string, number>();
  const left = items.values();
  const worker = async () => {
    for (const item of left) {
      try {
        await act(item);
        done.push(item);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        refused.set(said(error), (refused.get(said(error)) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return [
    done,
    [...refused].map(([why, times]) => (times > 1 ? `${why} (${counted(times, "photo")})` : why)),
  ];
}
