import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { LabelMap } from "./label-map";
import { Survey } from "./survey.svelte";
import { TASKS } from "./tasks";

const map = (...ids: number[]): LabelMap => ({ width: 2, height: 1, ids: new Uint8Array(ids) });

/** Each ends a count, when the test says so. */
let counts: (() => void)[];

beforeEach(() => {
  counts = [];
  vi.useFakeTimers();
  vi.stubGlobal(
    "Worker",
    class {
      #told: (event: unknown) => void = () => {};
      addEventListener(_: string, told: (event: unknown) => void) {
        this.#told = told;
      }
      postMessage({ id, values }: { id: number; values: Parameters<typeof TASKS.survey> }) {
        counts.push(() => this.#told({ data: { id, result: TASKS.survey(...values) } }));
      }
    },
  );
});

afterEach(() => {
  vi.useRealTimers();
});

test("nothing is said of a photo's pixels until they are counted, nor by a count of the one before", async () => {
  const survey = new Survey(255);
  survey.opened(map(255, 255));
  expect(survey.left).toBeNull();
  await vi.runAllTimersAsync();
  counts.pop()!();
  await vi.runAllTimersAsync();
  expect([survey.left, survey.shares[255]]).toEqual([{ pixels: 2, regions: 1 }, 2]);

  survey.soon(map(0, 255));
  await vi.runAllTimersAsync();
  survey.opened(map(0, 0));
  counts.pop()!();
  await vi.runAllTimersAsync();
  expect([survey.left, survey.shares[255]]).toEqual([null, 0]);
  counts.pop()!();
  await vi.runAllTimersAsync();
  expect([survey.left, survey.shares[0]]).toEqual([{ pixels: 0, regions: 0 }, 2]);
});
