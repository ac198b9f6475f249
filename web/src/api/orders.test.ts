import { expect, test } from "vitest";

import { Orders } from "./orders.svelte";
import { Problem } from "./problem";

/** Orders something, and keeps the key that it was sent with. */
function sending(orders: Orders, keys: string[], answer: () => Promise<string>) {
  return (what: unknown) =>
    orders.send(what, (header) => {
      keys.push(header["idempotency-key"]);
      return answer();
    });
}

test("a second click while the first is asked sends nothing", async () => {
  const keys: string[] = [];
  const send = sending(new Orders(), keys, () => Promise.resolve("job"));
  const answers = await Promise.all([send("a"), send("a")]);
  expect([answers, keys.length]).toEqual([["job", undefined], 1]);
});

test("an order whose answer was lost keeps its key; any other has its own", async () => {
  const keys: string[] = [];
  const errors = [
    new TypeError(),
    new Problem(503, "", ""),
    null,
    new Problem(422, "", ""),
    null,
    new TypeError(),
  ];
  const send = sending(new Orders(), keys, async () => {
    const error = errors.shift();
    if (error) throw error;
    return "job";
  });
  for (const what of ["a", "a", "a", "a", "a", "a", "b"]) await send(what).catch(() => {});
  const [first, second, third, ...others] = keys;
  expect([second, third]).toEqual([first, first]);
  expect(new Set([first, ...others]).size).toBe(5);
});
