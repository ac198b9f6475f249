// Models and their scores, as the parts of the page Compare need them.

import {
  api,
  type Asked,
  asked,
  bytes,
  ended,
  every,
  type Job,
  type Model,
  type Schemas,
  settled,
} from "../../api/client";
import type { Orders } from "../../api/orders.svelte";
import { counted, exactly, words } from "../../words";

export type Evaluation = Schemas["Evaluation"];
export type Scored = Schemas["ScoredImage"];
export type ClassMetrics = Schemas["ClassMetrics"];

const WAIT_MS = 700;
const MOST = 1000;
const MOST_ALIKE = 100;
/** Two trainings of one method on the same pairs may differ by as much. */
export const NOISE = 0.01;

export function named(model: Model): string {
  return [model.name ?? model.method, early(model), !model.name && exactly(model.created_at)]
    .filter(Boolean)
    .join(", ");
}

/** How far the training of a model came that was finished early; null if it was not, or that is not known. */
function early({ receipt, spec }: Model): string | null {
  const [made, planned] = [receipt?.steps, spec.total_steps as number | null | undefined];
  return made && planned && made < planned ? words.stepsOf(made, planned) : null;
}

/** What tells a model from the others of its pool, in one line. `iou`: its mean IoU on the test photos, if known. */
export function described(
  model: Model,
  iou: number | null = byClasses(scoresOf(model))?.mean_iou_present ?? null,
): string {
  const parts = [
    model.name ?? model.method,
    early(model),
    model.receipt && counted(model.receipt.pairs.length, "pair"),
    iou === null ? words.label.notScored : words.meanIouOf(iou),
    exactly(model.created_at),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** The newest evaluation of a model's label maps on the test photos. */
export function scoresOf(model: Model | null): Evaluation | null {
  const found = model?.evaluations.filter(
    ({ split, direction }) => split === "test" && direction === "photos_to_labels",
  );
  return found?.at(-1) ?? null;
}

/** The scores of an evaluation by classes; null in an `rgb` pool. */
export function byClasses(evaluation: Evaluation | null): ClassMetrics | null {
  return evaluation && "mean_iou" in evaluation.metrics ? evaluation.metrics : null;
}

/** What an evaluation was made on: two of the same label maps have the same text. Null: not known. */
export function testSet(evaluation: Evaluation | null): string | null {
  return (
    byClasses(evaluation)
      ?.per_class.map(({ pixels }) => pixels)
      .join(" ") ?? null
  );
}

/**
 * The models that have a mean IoU, and whether it compares: only those do that were scored on the same test
 * photos and label maps as the newest evaluation.
 */
export function scored(models: readonly Model[]): { model: Model; iou: number; compares: boolean }[] {
  const found = models.flatMap((model) => {
    const evaluation = scoresOf(model);
    const iou = byClasses(evaluation)?.mean_iou_present ?? null;
    return iou === null ? [] : [{ model, iou, evaluation: evaluation! }];
  });
  const [newest] = found.map(({ evaluation }) => evaluation).sort((a, b) => (a.id < b.id ? 1 : -1));
  return found.map(({ model, iou, evaluation }) => ({
    ...{ model, iou },
    compares: testSet(evaluation) === testSet(newest),
  }));
}

export function modelsOf(pool: string): Promise<Model[]> {
  const path = { pool_id: pool };
  return every((cursor) =>
    asked(api.GET("/pools/{pool_id}/models", { params: { path, query: { limit: MOST, cursor } } })),
  );
}

export async function imagesOf(evaluation: Evaluation | null): Promise<Scored[]> {
  if (!evaluation) return [];
  const path = { evaluation_id: evaluation.id };
  return every((cursor) =>
    asked(
      api.GET("/evaluations/{evaluation_id}/images", { params: { path, query: { limit: MOST, cursor } } }),
    ),
  );
}

/** The unlabelled train photo that looks most like this one and that nobody else holds; null: there is none. */
export async function nextLike(
  pool: string,
  image: string,
  user: string | undefined,
): Promise<string | null> {
  const params = { path: { image_id: image }, query: { limit: MOST_ALIKE } };
  const { items } = (await settled(() =>
    api.GET("/images/{image_id}/similar", { params }),
  )) as Schemas["Similar"];
  if (!items.length) return null;
  const path = { pool_id: pool };
  const id = items.map(({ image_id }) => image_id);
  const query = { id, split: "train", annotated: false, excluded: false, limit: MOST_ALIKE } as const;
  const [free, held] = await Promise.all([
    asked(api.GET("/pools/{pool_id}/images", { params: { path, query } })),
    every((cursor) =>
      asked(
        api.GET("/pools/{pool_id}/assignments", {
          params: { path, query: { open: true, limit: MOST, cursor } },
        }),
      ),
    ),
  ]);
  const unlabelled = new Set(free.items.map(({ id }) => id));
  const taken = new Set(held.flatMap(({ annotator, image_id }) => (annotator === user ? [] : image_id)));
  return id.find((each) => unlabelled.has(each) && !taken.has(each)) ?? null;
}

/** Order the scores of a model on the test photos; null: another order is under way. */
export async function ordersScore(orders: Orders, pool: string, model: string): Promise<Job | null> {
  const body = { model_id: model } as Asked["NewEvaluation"];
  const ordered = await orders.send(body, (header) =>
    asked(api.POST("/pools/{pool_id}/evaluations", { params: { path: { pool_id: pool }, header }, body })),
  );
  return ordered as Job | null;
}

export function prediction(of: Evaluation, image: string): string {
  return `evaluations/${of.id}/images/${image}/prediction`;
}

/** The job, once it has ended. Throws an Error if it did not end well. */
export async function awaited(job: Job): Promise<Job> {
  while (!ended(job)) {
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    job = await asked(api.GET("/jobs/{job_id}", { params: { path: { job_id: job.id } } }));
  }
  if (job.state !== "succeeded") throw new Error(job.error?.detail ?? `The job was ${job.state}.`);
  return job;
}

const made = new WeakMap<Blob, Map<string, Promise<Blob>>>();

/** What a model makes of a photo: a PNG. It is asked for once, unless that fails. */
export function translated({ id }: Model, photo: Blob): Promise<Blob> {
  const known = made.get(photo) ?? new Map<string, Promise<Blob>>();
  made.set(photo, known);
  const answer = known.get(id) ?? translation(id, photo);
  known.set(id, answer);
  answer.catch(() => known.delete(id));
  return answer;
}

/** The label map, a PNG, that a model makes of a photo; or its picture. */
export async function translation(model: string, photo: Blob): Promise<Blob> {
  const answer = await bytes(`models/${model}/translate`, { method: "POST", body: photo });
  if (answer.status === 200) return answer.blob();
  const job = await awaited((await answer.json()) as Job);
  return (await bytes(`jobs/${job.id}/output`)).blob();
}
