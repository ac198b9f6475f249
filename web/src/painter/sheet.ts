// The label map of a photo while it is painted: its pixels, what can be undone, and what the journal has of it.

import { History } from "./journal/history";
import type { Journal, Kept } from "./journal/journal";
import { type Facts, Recorder } from "./journal/recorder";
import { type Box, boxOf, type Change, type LabelMap, paint, paste, type Rules } from "./label-map";
import type { Span } from "./shapes";

const EVERYTHING = { unlabelled: -1, onlyUnlabelled: false, locked: new Set<number>(), onlyClass: null };

/** Who hears of changes: the box of what a change did, and whether it is whole or a stroke that goes on. */
export type Changed = (part: Box, isWhole: boolean) => void;

export class Sheet {
  readonly recorder: Recorder;
  /** It is shown and not changed: another tab paints the photo. */
  isClosed = false;
  #history: History;
  #stroke: Change | null = null;

  /** `kept` is what the journal has of it, if the label map is from there. */
  constructor(
    readonly map: LabelMap,
    kept: Kept | null,
    journal: Journal,
    facts: () => Facts,
    private readonly changed: Changed,
  ) {
    this.#history = kept ? History.restored(kept.changes, kept.entry.done) : new History();
    this.recorder = new Recorder(journal, map, this.#history, kept ? 0 : null, facts);
  }

  get steps(): { undo: boolean; redo: boolean } {
    return { undo: this.#history.canUndo, redo: this.#history.canRedo };
  }

  /** A stroke begins: `paint` changes nothing without one. */
  begin(): void {
    this.end();
    if (!this.isClosed) this.#stroke = [];
  }

  /** Give the pixels of the spans the class `id`, where the rules allow it, as a part of the stroke. */
  paint(spans: readonly Span[], id: number, rules: Rules): void {
    const stroke = this.#stroke;
    if (!stroke) return;
    const from = stroke.length;
    paint(this.map, spans, id, rules, stroke);
    if (stroke.length === from) return;
    this.recorder.painting(stroke);
    this.changed(boxOf(stroke, this.map.width, from)!, false);
  }

  /** The stroke is whole. */
  end(): void {
    const stroke = this.#stroke;
    this.#stroke = null;
    if (stroke) this.#add(stroke);
  }

  /** Change the map by something else than a stroke. A stroke that is being painted goes on as another one. */
  edit(act: (map: LabelMap) => Change): void {
    if (this.isClosed) return;
    const isPainting = this.#stroke !== null;
    this.end();
    this.#add(act(this.map));
    if (isPainting) this.begin();
  }

  /** Take over all pixels of another map. */
  replace({ ids }: LabelMap): void {
    this.edit((map) => {
      const change: Change = [];
      paste(map, ids, EVERYTHING, change);
      return change;
    });
  }

  /** Undo or redo a change. A stroke that is being painted ends before. */
  step(way: "undo" | "redo"): void {
    this.end();
    const change = this.isClosed ? null : this.#history[way](this.map);
    if (!change) return;
    this.recorder.soon();
    this.changed(boxOf(change, this.map.width)!, true);
  }

  #add(change: Change): void {
    if (change.length === 0) return;
    this.#history.add(change);
    this.recorder.added(change);
    this.changed(boxOf(change, this.map.width)!, true);
  }

  /** Change nothing any more, and have everything that was painted in the journal. */
  async close(): Promise<void> {
    this.end();
    this.isClosed = true;
    if (this.recorder.pends) await this.recorder.keep();
  }
}
