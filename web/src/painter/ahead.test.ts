import { expect, test } from "vitest";

import { Ahead } from "./ahead";

const rest = () => new Promise((resolve) => setTimeout(resolve));

/** A service whose photos have this size, and what is asked of it and closed. */
function served(width: number, height: number) {
  const sent: string[] = [];
  const closed: string[] = [];
  const ahead = new Ahead(
    (path, init) => {
      sent.push(`${init?.method ?? "GET"} ${path}`);
      const isContent = path.endsWith("content");
      const body = isContent ? path.split("/")[1] : JSON.stringify({ width, height });
      return Promise.resolve(new Response(body, { headers: isContent ? { ETag: '"1"' } : {} }));
    },
    async (file) => {
      const name = await file.text();
      return { name, close: () => closed.push(name) };
    },
  );
  return { ahead, sent, closed };
}

test("each thing is asked for once", async () => {
  const { ahead, sent } = served(8, 8);
  for (let time = 0; time < 2; time++) {
    ahead.photo("a");
    ahead.features("a");
    await rest();
  }
  expect(sent).toEqual(["GET images/a", "GET images/a/content", "POST images/a/suggestion"]);
});

test("the decoded photo is given away once, with the ETag of its bytes", async () => {
  const { ahead, closed } = served(4000, 4000);
  ahead.photo("a");
  expect(await ahead.opened("a")).toMatchObject({ etag: '"1"', photo: { name: "a" } });
  expect(await ahead.opened("a")).toBeNull();
  expect(closed).toEqual([]);
});

test("one decoded photo is kept at most", async () => {
  const { ahead, closed } = served(8, 8);
  for (const image of ["a", "b", "c"]) ahead.photo(image);
  await rest();
  expect(closed).toEqual(["a", "b"]);
  ahead.drop();
  await rest();
  expect(closed).toEqual(["a", "b", "c"]);
});

test("a photo of more than 16 megapixels comes into the cache alone", async () => {
  const { ahead, sent } = served(4001, 4000);
  ahead.photo("a");
  expect(await ahead.opened("a")).toBeNull();
  expect(sent).toContain("GET images/a/content");
});

test("a photo that cannot be got is got when it is opened", async () => {
  const ahead = new Ahead(
    () => Promise.reject(new Error("away")),
    () => expect.unreachable(),
  );
  ahead.photo("a");
  expect(await ahead.opened("a")).toBeNull();
});

test("a question for features ends when the photo is opened", () => {
  const signals: (AbortSignal | null | undefined)[] = [];
  const ahead = new Ahead(
    (_, init) => {
      signals.push(init?.signal);
      return Promise.resolve(new Response());
    },
    () => expect.unreachable(),
  );
  ahead.features("a");
  void ahead.opened("a");
  ahead.features("b");
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
});
