import { expect, test } from "vitest";

import { Ahead } from "./ahead";

test("each thing is asked for once, whatever becomes of it", async () => {
  const sent: string[] = [];
  const ahead = new Ahead((path, init) => {
    sent.push(`${init?.method ?? "GET"} ${path}`);
    return sent.length === 1 ? Promise.reject(new Error("away")) : Promise.resolve(new Response());
  });
  for (let time = 0; time < 2; time++) {
    ahead.photo("a");
    ahead.features("a");
    await new Promise((resolve) => setTimeout(resolve));
  }
  expect(sent).toEqual(["GET images/a/content", "POST images/a/suggestion"]);
});

test("a question for features ends when the photo is opened", () => {
  const signals: (AbortSignal | null | undefined)[] = [];
  const ahead = new Ahead((_, init) => {
    signals.push(init?.signal);
    return Promise.resolve(new Response());
  });
  ahead.features("a");
  ahead.opened();
  ahead.features("b");
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
});
