// Suggestions: label maps that the service learns from the finished photos and the strokes on this one.

import type { Rgb } from "./colours";
import type { LabelMap } from "./label-map";
import type { Layer } from "./layer";
import { decoded, encoded } from "./png";

/** How long the hand rests after a stroke before the service is asked. */
const REST_MS = 150;
const AGAIN_MS = 300;
/** Refusals that only say that there is no suggestion: somebody asked after this, or nothing is labelled yet. */
const HAS_NONE = new Set<unknown>(["suggestion-replaced", "nothing-to-learn-from"]);

/** Sends a request below the address of the service; throws unless the answer is a success (`bytes`). */
export type Send = (path: string, init?: RequestInit) => Promise<Response>;

interface Asked {
  job_id: string;
  source: string;
  model_id: string | null;
}

/** Asks after strokes, at most one question at a time; a newer stroke makes an older question void. */
export class Suggestions {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #question: AbortController | null = null;

  /** `show` gets the layer, or null if there is none. */
  constructor(
    private readonly send: Send,
    private readonly colours: readonly Rgb[],
    private readonly unlabelled: number,
    private readonly show: (layer: Layer | null) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** A stroke on the image has ended, and the map is now like this; call it when an image is opened, too. */
  stroked(image: string, map: LabelMap): void {
    this.stop();
    const question = (this.#question = new AbortController());
    this.#timer = setTimeout(() => void this.#ask(image, map, question), REST_MS);
  }

  /** Nobody waits for a suggestion any more: another image is opened, or the page is left. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#question?.abort();
    this.#question = null;
  }

  async #ask(image: string, map: LabelMap, question: AbortController): Promise<void> {
    const { signal } = question;
    try {
      const body = await encoded(map, this.colours, this.unlabelled);
      const layer = await answered(this.send, `images/${image}/suggestion`, { method: "POST", body, signal });
      if (!signal.aborted) this.show(layer);
    } catch (error) {
      if (signal.aborted) return;
      if (HAS_NONE.has(slugOf(error))) this.show(null);
      else this.failed(error);
    }
  }
}

/** The label map that a model makes of an image; of the pool's newest model if none is named. */
export function ofModel(send: Send, image: string, model?: string, signal?: AbortSignal): Promise<Layer> {
  const path = `images/${image}/suggestion`;
  return answered(send, model ? `${path}?model=${model}` : path, { signal: signal ?? null });
}

/** Ask until the answer is there, and get its two pictures. */
async function answered(send: Send, path: string, init: RequestInit): Promise<Layer> {
  let answer = await send(path, init);
  while (answer.status === 202) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    init.signal?.throwIfAborted();
    answer = await send(path, init);
  }
  const { job_id, source, model_id } = (await answer.json()) as Asked;
  const [map, doubt] = await Promise.all(
    ["label_map", "doubt"].map(async (format) => {
      const picture = await send(`jobs/${job_id}/output?format=${format}`, { signal: init.signal ?? null });
      return decoded(await picture.arrayBuffer());
    }),
  );
  return { ...map, doubt: doubt.ids, source: model_id ?? source };
}

function slugOf(error: unknown): unknown {
  return error instanceof Error && "slug" in error ? error.slug : null;
}
