import fc from "fast-check";
import { expect, test } from "vitest";

import { blank, type Change, paint } from "../label-map";
import { History } from "./history";
import { type Entry, type Journal, painted, type Settle, stored } from "./journal";
import { Lasting } from "./lasting.svelte";
import { Memory } from "./memory";
import { Recorder } from "./recorder";

const size = { width: 8, height: 6 };
const rules = { unlabelled: 255, onlyUnlabelled: false, locked: new Set<number>(), onlyClass: null };
const facts = {
  ...{ image: "image", pool: "pool", name: "name", revision: null },
  ...{ seconds: 0, sent: null, finished: false, refusal: null },
};

/** A database that answers late, and at times has no room. */
class Database implements Journal {
  full = false;
  #memory = new Memory();

  async keep(entry: Entry, changes: ReadonlyMap<number, Change>, base?: Uint8Array): Promise<boolean> {
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    if (this.full) throw new Error("full");
    return this.#memory.keep(entry, changes, base);
  }

  kept = (image: string) => this.#memory.kept(image);
  entries = () => this.#memory.entries();
  settle = (image: string, settle: Settle) => this.#memory.settle(image, settle);
}

/** A photo that is painted, and what its label map is to be, remembered after every step. */
class Person {
  database = new Database();
  journal = new Lasting(this.database);
  map = blank(size, 255);
  history = new History();
  recorder = new Recorder(this.journal, this.map, this.history, null, () => facts);
  seen = [this.map.ids.slice()];
  at = 0;

  stroke(parts: { at: number; length: number; id: number }[], isKeptBetween: boolean): void {
    const change: Change = [];
    for (const { at, length, id } of parts) {
      const row = Math.floor(at / size.width);
      const start = at % size.width;
      const spans = [{ row, start, end: Math.min(size.width, start + length) }];
      paint(this.map, spans, id, rules, change);
      if (change.length) this.recorder.painting(change);
      if (isKeptBetween) void this.recorder.keep();
    }
    if (change.length === 0) return;
    this.history.add(change);
    this.recorder.added(change);
    this.seen = [...this.seen.slice(0, this.at + 1), this.map.ids.slice()];
    this.at++;
  }

  step(way: "undo" | "redo"): void {
    if (!this.history[way](this.map)) return;
    this.at += way === "undo" ? -1 : 1;
    this.recorder.soon();
    expect(this.map.ids).toEqual(this.seen[this.at]);
  }

  async isKept(): Promise<void> {
    await this.recorder.keep();
    const kept = (await this.journal.kept("image"))!;
    expect(painted(kept)).toEqual(this.map.ids);
    expect(kept.changes.length).toBe(kept.entry.done + kept.entry.undone);
  }

  /** The service stores what the journal has; with `paints`, a stroke is painted while it does. */
  async store(paints: boolean): Promise<void> {
    await this.isKept();
    const { at } = (await this.journal.kept("image"))!.entry;
    if (paints) {
      this.stroke([{ at: 3, length: 4, id: this.at % 4 }], false);
      void this.recorder.keep();
    }
    await this.journal.settle("image", stored(at, 1));
  }

  async reload(): Promise<void> {
    await this.isKept();
    const kept = (await this.journal.kept("image"))!;
    this.map = { ...size, ids: painted(kept) };
    this.history = History.restored(kept.changes, kept.entry.done);
    this.recorder = new Recorder(this.journal, this.map, this.history, 0, () => facts);
  }
}

const part = fc.record({
  at: fc.nat(size.width * size.height - 1),
  length: fc.integer({ min: 1, max: 5 }),
  id: fc.constantFrom(0, 1, 2, 255),
});
const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant("stroke" as const), fc.array(part, { maxLength: 3 }), fc.boolean()),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("undo" as const, "redo" as const)) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("keep" as const, "isKept" as const, "reload" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("store" as const), fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("full" as const, "room" as const)) },
);

test("after any strokes, undos, redos, saves and reloads the journal has the map that is seen", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
      const person = new Person();
      for (const [what, ...how] of acts) {
        if (what === "stroke") person.stroke(...(how as Parameters<Person["stroke"]>));
        else if (what === "undo" || what === "redo") person.step(what);
        else if (what === "keep") void person.recorder.keep();
        else if (what === "store") await person.store(how[0] as boolean);
        else if (what === "isKept" || what === "reload") await person[what]();
        else person.database.full = what === "full";
      }
      await person.isKept();
    }),
    { numRuns: 400 },
  );
});

test("what was undone before it was saved can be done again, and is saved then", async () => {
  const person = new Person();
  person.stroke([{ at: 0, length: 4, id: 1 }], false);
  await person.store(false);
  person.step("undo");
  await person.isKept();
  person.step("redo");
  await person.reload();
  expect(person.map.ids).toEqual(person.seen[1]);
});

test("what is painted at once after an undo of what was stored is kept", async () => {
  const person = new Person();
  person.stroke([{ at: 0, length: 1, id: 0 }], false);
  await person.store(false);
  await person.isKept();
  person.step("undo");
  person.stroke([{ at: 0, length: 1, id: 1 }], false);
  await person.isKept();
  person.step("undo");
  person.step("redo");
  await person.isKept();
});

test("without room in the database everything is kept for as long as the page lives", async () => {
  const person = new Person();
  person.stroke([{ at: 0, length: 4, id: 1 }], false);
  await person.isKept();
  expect(person.journal.lasts).toBe(true);
  person.database.full = true;
  person.stroke([{ at: 9, length: 4, id: 2 }], false);
  await person.isKept();
  expect(person.journal.lasts).toBe(false);
  expect((await person.journal.entries()).length).toBe(1);
});
