// Suggestions: label maps that the service learns from the finished photos and the strokes on this one, or that
// a model makes.

import type { Rgb } from "./colours";
import type { LabelMap } from "./label-map";
import type { Layer } from "./layer";
import { decoded, encoded } from "./png";

/** How long the hand rests after a stroke before the service is asked. */
const REST_MS = 150;
const AGAIN_MS = 300;
/** How long the service may take to answer. */
const PATIENCE_MS = 60_000;
/** Refusals that only say that there is no suggestion: somebody asked after this, or nothing is labelled yet. */
const HAS_NONE = new Set<unknown>(["suggestion-replaced", "nothing-to-learn-from"]);

/** Sends a request below the address of the service; throws unless the answer is a success (`bytes`). */
export type Send = (path: string, init?: RequestInit) => Promise<Response>;

interface Question {
  path: string;
  init: RequestInit;
}

interface Asked {
  job_id: string;
  source: string;
  model_id: string | null;
}

/** Asks one question at a time; a newer one makes an older one void. Each ends: it is shown, failed or void. */
export class Suggestions {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #question: AbortController | null = null;

  /** `show` gets the layer, or null if there is none; `failed` gets a TimeoutError after `patience`. */
  constructor(
    private readonly send: Send,
    private readonly colours: readonly Rgb[],
    private readonly unlabelled: number,
    private readonly show: (layer: Layer | null) => void,
    private readonly failed: (error: unknown) => void,
    private readonly patience = PATIENCE_MS,
  ) {}

  /** A stroke on the image has ended, and the map is now like this; call it when an image is opened, too. */
  stroked(image: string, map: LabelMap): void {
    const question = this.#begun();
    const asked = async () => {
      const body = await encoded(map, this.colours, this.unlabelled);
      return { path: `images/${image}/suggestion`, init: { method: "POST", body } };
    };
    this.#timer = setTimeout(() => void this.#ask(asked, question), REST_MS);
  }

  /** A model is to draw a label map of the image. */
  drawn(image: string, model: string): void {
    const asked = async () => ({ path: `images/${image}/suggestion?model=${model}`, init: {} });
    void this.#ask(asked, this.#begun());
  }

  /** Nobody waits for a suggestion any more: another image is opened, or the page is left. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#question?.abort();
    this.#question = null;
  }

  #begun(): AbortController {
    this.stop();
    return (this.#question = new AbortController());
  }

  async #ask(asked: () => Promise<Question>, question: AbortController): Promise<void> {
    try {
      const { path, init } = await asked();
      const signal = AbortSignal.any([question.signal, AbortSignal.timeout(this.patience)]);
      const layer = await answered(this.send, path, { ...init, signal });
      if (!question.signal.aborted) this.show(layer);
    } catch (error) {
      if (question.signal.aborted) return;
      if (HAS_NONE.has(slugOf(error))) this.show(null);
      else this.failed(error);
    }
  }
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
