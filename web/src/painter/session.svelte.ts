// One photo while it is labelled: its label map, what can be undone, and what became of it.

import { type Image, type Model, said } from "../api/client";
import { words } from "../words";
import { forget, keep, kept } from "./drafts";
import { type Classes, Conflict, open, save, translated } from "./files";
import { History } from "./history";
import { blank, type Box, boxOf, boxOfSpans, type Change, counts, type LabelMap, paste } from "./label-map";
import { accept, doubtful, type Layer } from "./layer";
import { fillSlivers, pixelsOf, regions } from "./regions";
import type { Point } from "./shapes";

const KEEP_AFTER_MS = 150;
const COUNT_AFTER_MS = 400;
const SLIVER_PIXELS = 30;
const EVERYWHERE = { onlyUnlabelled: false, locked: new Set<number>(), onlyClass: null };

export type Status = "clean" | "kept" | "saving" | "failed";

export class Session {
  image = $state.raw<Image | null>(null);
  photo = $state.raw<ImageBitmap | null>(null);
  map = $state.raw<LabelMap | null>(null);
  /** A suggestion; it is seen where the map is unlabelled. */
  layer = $state.raw<Layer | null>(null);
  revision = $state<number | null>(null);
  status = $state<Status>("clean");
  failure = $state("");
  conflict = $state.raw<Conflict | null>(null);
  /** What is still unlabelled. */
  left = $state({ pixels: 0, regions: 0 });
  /** Pixels of each class index. */
  shares = $state.raw<Uint32Array>(new Uint32Array(256));
  steps = $state({ undo: false, redo: false });
  /** Draws a part of the label map again; the painter sets it. */
  draw: (part: Box | null) => void = () => {};

  #history = new History();
  #visit = 0;
  #jumps = 0;
  #keeping: ReturnType<typeof setTimeout> | undefined;
  #counting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly table: Classes) {}

  async open(id: string): Promise<void> {
    const visit = ++this.#visit;
    [this.image, this.photo, this.map, this.layer] = [null, null, null, null];
    [this.conflict, this.failure] = [null, ""];
    try {
      const [found, draft] = await Promise.all([open(id), kept(id).catch(() => undefined)]);
      if (visit !== this.#visit) return;
      const { width, height } = found.image;
      this.image = found.image;
      this.photo = found.photo;
      this.revision = draft ? draft.revision : found.image.annotation_revision;
      this.map = draft
        ? { width, height, ids: draft.ids }
        : (found.map ?? blank({ width, height }, this.table.ignore));
      this.#history = draft ? History.restored(draft.history) : new History();
      this.status = draft ? "kept" : "clean";
      this.#jumps = 0;
      this.#tell();
      this.#count();
    } catch (error) {
      if (visit === this.#visit) this.failure = said(error);
    }
  }

  holds({ x, y }: Point): boolean {
    return this.map !== null && x >= 0 && y >= 0 && x < this.map.width && y < this.map.height;
  }

  /** Show what a change did; its runs from `from` on. */
  redraw(change: Change, from = 0): void {
    const box = this.map && boxOf(change, this.map.width, from);
    if (box) this.draw(box);
  }

  /** A stroke changed the map, and the painter showed it. */
  painted(change: Change): void {
    if (change.length === 0) return;
    this.#history.add(change);
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
    this.#touched();
  }

  /** Take over the suggested pixels of a class, or, with null, all. */
  accept(id: number | null): void {
    if (this.map && this.layer) this.changed(accept(this.map, this.layer, id, this.table.ignore));
  }

  fillSlivers(): void {
    if (!this.map) return;
    const change: Change = [];
    fillSlivers(this.map, this.table.ignore, SLIVER_PIXELS, change);
    this.changed(change);
  }

  /** The next place that is unlabelled, or where the suggestion is least sure; null if there is none. */
  next(what: "unlabelled" | "doubt"): Box | null {
    if (!this.map) return null;
    const { ignore } = this.table;
    const places =
      what === "unlabelled"
        ? regions(this.map, ignore).map(boxOfSpans)
        : this.layer?.doubt
          ? doubtful(this.map, this.layer, ignore)
          : [];
    return places.length ? places[this.#jumps++ % places.length] : null;
  }

  /** What a model makes of the photo becomes the suggestion. */
  async suggest(model: Model): Promise<void> {
    const [visit, { image }] = [this.#visit, this];
    if (!image) return;
    try {
      const found = await translated(model.id, image.id);
      if (visit === this.#visit) this.layer = { ...found, doubt: null, source: model.id };
    } catch (error) {
      if (visit === this.#visit) this.failure = said(error);
    }
  }

  /** Store the label map as the image's annotation. Returns whether it is stored. */
  async save(): Promise<boolean> {
    const [visit, { image, map }] = [this.#visit, this];
    if (!image || !map) return false;
    if (this.status === "clean") return true;
    this.status = "saving";
    try {
      const revision = await save(image.id, map, this.revision, this.table);
      clearTimeout(this.#keeping);
      await forget(image.id);
      if (visit !== this.#visit) return true;
      this.revision = revision;
      this.status = "clean";
      this.failure = "";
      return true;
    } catch (error) {
      if (error instanceof Conflict) this.conflict = error;
      this.#fail(error instanceof Conflict ? new Error(words.label.conflict) : error);
      this.keep();
      return false;
    }
  }

  /** Somebody else saved meanwhile: go on with this map, or with theirs. */
  resolve(mine: boolean): void {
    if (!this.conflict || !this.map) return;
    this.revision = this.conflict.revision;
    if (!mine) {
      const change: Change = [];
      paste(this.map, this.conflict.theirs.ids, { unlabelled: -1, ...EVERYWHERE }, change);
      this.changed(change);
    }
    this.conflict = null;
    this.failure = "";
  }

  /** Keep the map in this browser. */
  keep(): void {
    clearTimeout(this.#keeping);
    const { image, map, revision, status } = this;
    if (!image || !map || status === "clean") return;
    const history = this.#history.saved();
    keep({ image: image.id, ids: map.ids, revision, history }).catch((error) => this.#fail(error));
  }

  #touched(): void {
    this.#tell();
    this.status = "kept";
    clearTimeout(this.#keeping);
    clearTimeout(this.#counting);
    this.#keeping = setTimeout(() => this.keep(), KEEP_AFTER_MS);
    this.#counting = setTimeout(() => this.#count(), COUNT_AFTER_MS);
  }

  #tell(): void {
    this.steps = { undo: this.#history.canUndo, redo: this.#history.canRedo };
  }

  #count(): void {
    if (!this.map) return;
    this.shares = counts(this.map);
    const open = regions(this.map, this.table.ignore);
    this.left = { pixels: open.reduce((sum, spans) => sum + pixelsOf(spans), 0), regions: open.length };
  }

  #fail(error: unknown): void {
    this.status = "failed";
    this.failure = said(error);
  }
}
