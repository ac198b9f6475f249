import { beforeEach, expect, test, vi } from "vitest";

import type { LabelMap } from "./label-map";
import type { Layer } from "./layer";
import { decoded, encoded } from "./png";
import { type Send, Suggestions } from "./suggestions";

const map = (id: number): LabelMap => ({ width: 2, height: 1, ids: new Uint8Array([id, 255]) });
const suggested: LabelMap = { width: 2, height: 1, ids: new Uint8Array([0, 0]) };
const doubt: LabelMap = { width: 2, height: 1, ids: new Uint8Array([0, 200]) };

interface Sent {
  path: string;
  init: RequestInit | undefined;
}

/** A service of one pool: it answers POST with these statuses in turn, and keeps what was sent. */
function service(...statuses: number[]): { send: Send; sent: Sent[] } {
  const sent: Sent[] = [];
  const send: Send = async (path, init) => {
    sent.push({ path, init });
    if (path.endsWith("label_map")) return new Response(await encoded(suggested, [[9, 9, 9]], 255));
    if (path.endsWith("doubt")) return new Response(await encoded(doubt, [], 255));
    const status = statuses.shift() ?? 200;
    if (status >= 400) throw Object.assign(new Error("no"), { slug: SLUGS[status] });
    return new Response(JSON.stringify({ job_id: "j", source: "strokes", model_id: null }), { status });
  };
  return { send, sent };
}

const SLUGS: Record<number, string> = {
  409: "suggestion-replaced",
  404: "not-found",
  428: "nothing-to-learn-from",
};

let shown: (Layer | null)[];
let errors: unknown[];

function asking(send: Send, patience?: number): Suggestions {
  return new Suggestions(
    send,
    [[9, 9, 9]],
    255,
    (layer) => shown.push(layer),
    (error) => errors.push(error),
    patience,
  );
}

function ends(count: number): Promise<unknown> {
  return vi.waitUntil(() => shown.length + errors.length === count, { timeout: 20_000 });
}

beforeEach(() => void ([shown, errors] = [[], []]));

test("the strokes are sent as they are, and both pictures come back as a layer", async () => {
  const { send, sent } = service(202, 200);
  asking(send).stroked("i", map(0));
  await ends(1);
  expect(sent.map(({ path }) => path)).toEqual([
    ...["images/i/suggestion", "images/i/suggestion"],
    ...["jobs/j/output?format=label_map", "jobs/j/output?format=doubt"],
  ]);
  expect(decoded(await (sent[0].init!.body as Blob).arrayBuffer())).toEqual(map(0));
  expect(shown).toEqual([{ ...suggested, doubt: doubt.ids, source: "strokes" }]);
  expect(errors).toEqual([]);
});

test("of several strokes within the rest, only the last is asked about", async () => {
  const { send, sent } = service();
  const suggestions = asking(send);
  for (const id of [255, 255, 0]) suggestions.stroked("i", map(id));
  await ends(1);
  expect(sent.filter(({ path }) => path.startsWith("images"))).toHaveLength(1);
  expect(decoded(await (sent[0].init!.body as Blob).arrayBuffer())).toEqual(map(0));
});

test("a question that a newer stroke made void is aborted and never shown", async () => {
  const { send, sent } = service(202);
  const suggestions = asking(send);
  suggestions.stroked("i", map(255));
  await vi.waitUntil(() => sent.length === 1, { timeout: 20_000 });
  suggestions.stroked("i", map(0));
  await ends(1);
  expect(sent[0].init!.signal!.aborted).toBe(true);
  suggestions.stroked("left", map(0));
  suggestions.stop();
  suggestions.stroked("i", map(0));
  await ends(2);
  expect(sent.some(({ path }) => path.includes("left"))).toBe(false);
});

test("what only says that there is nothing yet is no error", async () => {
  const suggestions = asking(service(409).send);
  suggestions.stroked("i", map(0));
  asking(service(428).send).stroked("i", map(0));
  await ends(2);
  expect([shown, errors]).toEqual([[null, null], []]);
  asking(service(404).send).stroked("i", map(0));
  await ends(3);
  expect(errors).toHaveLength(1);
});

test("a question to a model makes one about strokes void, and the other way round", async () => {
  const { send, sent } = service();
  const suggestions = asking(send);
  suggestions.stroked("i", map(0));
  suggestions.drawn("i", "m");
  await ends(1);
  expect(sent[0].path).toBe("images/i/suggestion?model=m");
  expect(shown[0]!.ids).toEqual(suggested.ids);
  suggestions.drawn("i", "m");
  suggestions.stroked("i", map(0));
  await ends(2);
  expect(sent.filter(({ init }) => init?.method === "POST")).toHaveLength(1);
});

test("a question that the service never answers fails in the end", async () => {
  const unanswered: Send = (_, init) =>
    new Promise((_, reject) =>
      init!.signal!.addEventListener("abort", () => reject(init!.signal!.reason as Error)),
    );
  const atWork = async () => new Response("{}", { status: 202 });
  for (const send of [unanswered, atWork]) asking(send, 20).drawn("i", "m");
  await ends(2);
  expect(errors.map((error) => (error as Error).name)).toEqual(["TimeoutError", "TimeoutError"]);
});
