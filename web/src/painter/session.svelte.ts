// One photo while it is labelled: its label map, what can be undone, and what became of it.

import { type Image, said } from "../api/client";
import { words } from "../words";
import { inBackground } from "./background";
import { type Classes, Conflict, type Draft, draftOf, open, type Opened } from "./files";
import { History } from "./history";
import { type Entry, type Kept, kept, painted } from "./journal";
import { blank, type Box, boxOf, type Change, type LabelMap, merged, paste } from "./label-map";
import { accept, type Layer } from "./layer";
import { Outbox, type Outcome } from "./outbox.svelte";
import { Recorder } from "./recorder";
import { Picture } from "./picture.svelte";
import type { Point } from "./shapes";
import { Suggestion } from "./suggestion.svelte";
import { Survey } from "./survey.svelte";

const PAUSE_MS = 15_000;
/** How far the age of a draft may be off: HTTP tells it in whole seconds. */
const CLOCK_MS = 2000;
const EVERYTHING = { unlabelled: -1, onlyUnlabelled: false, locked: new Set<number>(), onlyClass: null };

/** What can be tidied. */
export type Cleaning = "slivers" | "islands" | "borders";

/** `kept`: in this browser; `drafted`: the service has it as a draft; `saving`: it is to be the annotation. */
export type Status = "clean" | "kept" | "drafted" | "saving" | "offline" | "failed";

export class Session {
  image = $state.raw<Image | null>(null);
  photo = $state.raw<ImageBitmap | null>(null);
  map = $state.raw<LabelMap | null>(null);
  revision = $state<number | null>(null);
  status = $state<Status>("clean");
  failure = $state("");
  conflict = $state.raw<Conflict | null>(null);
  /** Another draft of the photo: older than the one that is shown, and not part of it. */
  other = $state.raw<LabelMap | null>(null);
  picture = $state.raw<Picture | null>(null);
  steps = $state({ undo: false, redo: false });
  readonly outbox: Outbox;
  readonly survey: Survey;
  /** It is seen where the map is unlabelled. */
  readonly suggestion: Suggestion;
  /** Draws a part of the label map again; the painter sets it. */
  draw: (part: Box | null) => void = () => {};

  #history = new History();
  #recorder: Recorder | null = null;
  #visit = 0;
  #jumps = 0;
  #sent: string | null = null;
  #finished = false;
  /** How long the person has worked on the photo since its last revision, and when they did something last. */
  #seconds = 0;
  #lastAct = 0;

  /** `finished` is told when a label map was stored; `hasFinished` says whether any photo has one. */
  constructor(
    pool: string,
    private readonly table: Classes,
    private readonly finished: (image: string) => void,
    private readonly hasFinished: () => boolean,
  ) {
    this.survey = new Survey(table.ignore);
    this.suggestion = new Suggestion(table);
    this.outbox = new Outbox(pool, table, (image, outcome) => this.#became(image, outcome));
  }

  async open(id: string): Promise<void> {
    const visit = ++this.#visit;
    [this.image, this.photo, this.map, this.other] = [null, null, null, null];
    this.suggestion.opened(id);
    [this.conflict, this.failure, this.#recorder] = [null, "", null];
    try {
      await this.outbox.send(id); // not while it is read below: that would show the revision before
      const [found, draft, local] = await Promise.all([
        open(id),
        draftOf(id).catch(() => null),
        kept(id).catch(() => undefined),
      ]);
      if (visit === this.#visit) this.#show(found, draft, local ?? null);
    } catch (error) {
      if (visit === this.#visit) this.failure = said(error);
    }
  }

  #show(found: Opened, draft: Draft | null, inBrowser: Kept | null): void {
    const { image } = found;
    const local = inBrowser && !draft && isOver(inBrowser.entry) ? null : inBrowser;
    const mine = local && painted(local);
    const isSame = draft !== null && (local?.entry.sent === draft.etag || isAlike(mine, draft.map.ids));
    const isLocal =
      local !== null && (!draft || isSame || Date.now() - local.entry.at <= draft.age + CLOCK_MS);
    const work = isLocal ? local.entry : draft;
    const unfinished = isLocal ? { ...local.entry, ids: painted(local) } : draft?.map;
    const map = unfinished ?? found.map ?? blank(image, this.table.ignore);
    this.map = { width: image.width, height: image.height, ids: map.ids };
    if (draft && local && !isSame) this.other = isLocal ? draft.map : { ...this.map, ids: painted(local) };
    this.#history = isLocal ? History.restored(local.changes, local.entry.done) : new History();
    this.#sent = draft?.etag ?? null;
    this.#seconds = work?.seconds ?? 0;
    this.#finished = false;
    this.revision = work ? work.revision : image.annotation_revision;
    this.status = isLocal ? "kept" : draft ? "drafted" : "clean";
    this.#recorder = new Recorder(
      this.map,
      this.#history,
      isLocal ? 0 : null,
      () => ({
        ...{ image: image.id, pool: image.pool_id, revision: this.revision, seconds: this.#seconds },
        ...{ sent: this.#sent, finished: this.#finished },
      }),
      (error) => this.#fail(error),
    );
    this.image = image;
    this.photo = found.photo;
    this.picture = new Picture(found.photo);
    this.#jumps = 0;
    this.#tell();
    void this.survey.now(this.map);
    if (this.hasFinished()) this.suggestion.stroked(this.map);
  }

  get layer(): Layer | null {
    return this.suggestion.layer;
  }

  /** The person did something now. */
  acted(): void {
    const now = performance.now();
    if (now - this.#lastAct < PAUSE_MS) this.#seconds += (now - this.#lastAct) / 1000;
    this.#lastAct = now;
  }

  holds({ x, y }: Point): boolean {
    return this.map !== null && x >= 0 && y >= 0 && x < this.map.width && y < this.map.height;
  }

  /** Show what a change did; its runs from `from` on. */
  redraw(change: Change, from = 0): void {
    const box = this.map && boxOf(change, this.map.width, from);
    if (box) this.draw(box);
  }

  /** A stroke goes on: its runs from `from` on are new. */
  painting(change: Change, from: number): void {
    if (change.length === from) return;
    this.redraw(change, from);
    this.#recorder?.painting(change);
    this.status = "kept";
  }

  /** A stroke changed the map, and the painter showed it. */
  painted(change: Change): void {
    if (change.length === 0) return;
    this.#history.add(change);
    this.#recorder?.added(change);
    this.#touched();
  }

  /** Something else than a stroke changed the map. */
  changed(change: Change): void {
    this.redraw(change);
    this.painted(change);
  }

  step(way: "undo" | "redo"): void {
    const change = this.map && this.#history[way](this.map);
    if (!change) return;
    this.redraw(change);
    this.#recorder?.stepped();
    this.#touched();
  }

  /** Take over the suggested pixels of a class, or, with null, all. */
  accept(id: number | null): void {
    if (this.map && this.layer) this.changed(accept(this.map, this.layer, id, this.table.ignore));
  }

  /**
   * Tidy the map: `slivers` and `islands` of fewer than `smaller` pixels, unlabelled or of these classes, join
   * what is around them; `borders` of these classes become smooth.
   */
  async clean(what: Cleaning, classes: ReadonlySet<number>, smaller: number): Promise<void> {
    const [{ map }, { ignore }] = [this, this.table];
    if (!map) return;
    const change =
      what === "borders"
        ? await inBackground("smoothed", map, ignore, classes)
        : await inBackground(
            "absorbed",
            map,
            ignore,
            smaller,
            what === "slivers" ? new Set([ignore]) : classes,
          );
    if (map === this.map) this.changed(merged(map, change));
  }

  /** The next place that is unlabelled, or where the suggestion is least sure; null if there is none. */
  async next(what: "unlabelled" | "doubt"): Promise<Box | null> {
    const { map, layer } = this;
    if (!map) return null;
    if (what === "unlabelled") return this.survey.next(map);
    if (!layer?.doubt) return null;
    const places = await inBackground("doubtful", map, layer, this.table.ignore);
    return places.length ? places[this.#jumps++ % places.length] : null;
  }

  /** Store the label map as the image's annotation. Returns whether it is stored. */
  async save(): Promise<boolean> {
    const [visit, { image }] = [this.#visit, this];
    if (!image || !this.#recorder) return false;
    if (this.status === "clean") return true;
    this.status = "saving";
    this.#finished = true;
    await this.#recorder.keep();
    await this.outbox.send(image.id);
    return visit === this.#visit && this.#isClean();
  }

  #isClean(): boolean {
    return this.status === "clean";
  }

  /** Keep what was painted in this browser, now. */
  keep(): void {
    if (this.status === "kept") void this.#recorder?.keep();
  }

  #became(image: string, outcome: Outcome): void {
    if (outcome.kind === "stored") this.finished(image);
    if (image !== this.image?.id || !this.#recorder) return;
    const isWritten = "at" in outcome && outcome.at === this.#recorder.at;
    const isNewest = isWritten && !this.#recorder.pends;
    if (outcome.kind === "drafted") {
      this.#sent = outcome.etag;
      if (isNewest && this.status !== "saving") this.status = "drafted";
    } else if (outcome.kind === "stored") {
      [this.revision, this.#sent, this.#seconds, this.#finished] = [outcome.revision, null, 0, false];
      this.failure = "";
      if (isWritten) this.#recorder.stored();
      this.status = isNewest ? "clean" : "kept";
    } else if (outcome.kind === "unreachable") {
      this.status = "offline";
    } else {
      this.#finished = false;
      if (outcome.error instanceof Conflict) this.conflict = outcome.error;
      this.#fail(outcome.error instanceof Conflict ? new Error(words.label.conflict) : outcome.error);
    }
  }

  /** Somebody else saved meanwhile: go on with this map, or with theirs. */
  resolve(mine: boolean): void {
    if (!this.conflict || !this.map) return;
    this.revision = this.conflict.revision;
    const { theirs } = this.conflict;
    [this.conflict, this.failure, this.status] = [null, "", "kept"];
    if (!mine) this.#replace(theirs);
  }

  /** Go on with the other draft; that can be undone. */
  takeOther(): void {
    if (this.other) this.#replace(this.other);
    this.other = null;
  }

  #replace(by: LabelMap): void {
    if (!this.map) return;
    const change: Change = [];
    paste(this.map, by.ids, EVERYTHING, change);
    this.changed(change);
  }

  #touched(): void {
    this.#tell();
    this.#finished = false;
    this.status = "kept";
    if (!this.map) return;
    this.survey.soon(this.map);
    this.suggestion.stroked(this.map);
  }

  #tell(): void {
    this.steps = { undo: this.#history.canUndo, redo: this.#history.canRedo };
  }

  #fail(error: unknown): void {
    this.status = "failed";
    this.failure = said(error);
  }
}

/** Whether the service had the draft, so that its absence means that it was stored elsewhere. */
function isOver({ sent, waits }: Entry): boolean {
  return sent !== null && !waits;
}

function isAlike(one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && one.length === other.length && one.every((id, at) => id === other[at]);
}
