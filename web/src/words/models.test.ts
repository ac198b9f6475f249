import { expect, test } from "vitest";

import type { Job } from "../api/client";
import { awaited, phaseOf, stateOf } from "./models";
import { signed } from "./numbers";

function job(done: number, kind: Job["kind"] = "train"): Job {
  const progress = { done, total: 20, share: done / 20 };
  const training = { method: "probe", recipe: "tiny" };
  return { kind, pool_id: "a", state: "running", progress, training } as Job;
}

test("a training that has done its steps is writing the model", () => {
  expect([job(19), job(20), job(20, "evaluate")].map(stateOf)).toEqual([
    "running",
    "writing the model",
    "running",
  ]);
});

test("a training that was asked to end says so until it has ended", () => {
  expect(stateOf({ ...job(19), finish_requested: true })).toBe("finishing");
});

test("a training says what it does, and promises no time that has passed", () => {
  expect(phaseOf(job(0), 2, 1)).toContain("starts");
  expect(phaseOf(job(10), 2, 1)).toBe("about 4 s left");
  expect(phaseOf(job(10), 2, 5)).toBe("longer than estimated");
  expect(phaseOf(job(20), 2, 0)).toContain("model is written");
  expect(phaseOf({ ...job(10), finish_requested: true }, 2, 0)).toContain("model is written");
});

test("who waits is told for what", () => {
  expect(awaited([], "a")).toBe("a worker");
  expect(awaited([job(3)], "a")).toBe("a training (probe · tiny)");
  expect(awaited([job(3)], "b")).toBe("a training (probe · tiny) in another pool");
  expect(awaited([job(3, "evaluate"), job(0)], "a")).toBe("the scoring of a model and 1 other job");
});

test("differences have a sign, and none if they are shown as 0", () => {
  expect([0.0123, -0.0123, -0.0001, 0, null].map(signed)).toEqual([
    "+0.012",
    "−0.012",
    "0.000",
    "0.000",
    "–",
  ]);
});
