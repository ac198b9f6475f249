// Models and their scores, as the parts of the page Compare need them.

import { api, asked, bytes, ended, type Job, type Model, type Schemas } from "../../api/client";
import { moment } from "../../words";

export type Evaluation = Schemas["Evaluation"];
export type Scored = Schemas["ScoredImage"];
export type ClassMetrics = Schemas["ClassMetrics"];

const WAIT_MS = 700;
const MOST = 1000;

export function named(model: Model): string {
  return model.name ?? `${model.method}, ${moment(model.created_at)}`;
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

export async function imagesOf(evaluation: Evaluation | null): Promise<Scored[]> {
  if (!evaluation) return [];
  const params = { path: { evaluation_id: evaluation.id }, query: { limit: MOST } };
  return (await asked(api.GET("/evaluations/{evaluation_id}/images", { params }))).items;
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

/** What a model makes of a photo: a PNG. */
export async function translated(model: Model, photo: Blob): Promise<Blob> {
  const answer = await bytes(`models/${model.id}/translate`, { method: "POST", body: photo });
  if (answer.status === 200) return answer.blob();
  const job = await awaited((await answer.json()) as Job);
  return (await bytes(`jobs/${job.id}/output`)).blob();
}
