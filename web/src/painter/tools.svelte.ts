// What the painter paints with: the tool, the class, the size of the brush, and what is shown.

import { distinct, type Rgb } from "./colours";
import { habits, type Habits } from "./habits";
import type { Tool } from "./keys";
import type { Rules } from "./label-map";
import { FIRST_LEVEL, LEVELS } from "./picture.svelte";
import type { Size } from "./shapes";

const LARGEST_DIAMETER = 2000;

/** Which pixels strokes change: all, those without a label, or those of one class. */
export type Over = "everything" | "unlabelled" | number;

export class Tools {
  tool = $state<Tool>("brush");
  /** Whether a polygon or a traced shape is begun and not closed; `holding`: its photo was to be left. */
  shape = $state<"none" | "open" | "holding">("none");
  id = $state(0);
  before = $state(1);
  #size = $state.raw<Size>({ width: 1, height: 1 });
  /** As habits have it. */
  #brush = $state(0);
  opacity = $state(0);
  over = $state<Over>("everything");
  locked = $state.raw<ReadonlySet<number>>(new Set());
  /** The only class that is shown. */
  solo = $state<number | null>(null);
  /** Classes that are not shown, unless one is shown alone. */
  veiled = $state.raw<ReadonlySet<number>>(new Set());
  /** Draw the borders between classes. */
  outlines = $state(false);
  /** The brush keeps its size on the screen when the view is zoomed. */
  keepsSize = $state(false);
  /** The size of superpixels: an index of LEVELS. */
  level = $state(FIRST_LEVEL);
  /** How far the colours that the wand takes may be from the one under it, in each channel. */
  tolerance = $state(24);
  /** Show colours that are far apart instead of those of the class table. */
  apart = $state(false);

  rules = $derived.by<Rules>(() => ({
    unlabelled: this.unlabelled,
    onlyUnlabelled: this.over === "unlabelled",
    locked: this.locked,
    onlyClass: typeof this.over === "number" ? this.over : null,
  }));
  colours = $derived.by(() => (this.apart ? distinct(this.own.length) : this.own));
  /** Classes that are not shown. */
  hidden = $derived.by(() => (this.solo === null ? this.veiled : new Set(this.#others(this.solo))));

  constructor(
    private readonly own: readonly Rgb[],
    readonly unlabelled: number,
  ) {
    const { only, ...others } = habits();
    ({ opacity: this.opacity, brush: this.#brush, outlines: this.outlines } = others);
    if (only) this.over = "unlabelled";
  }

  /** A photo is opened: all of its classes are seen. */
  opened(size: Size): void {
    this.#size = size;
    this.shape = "none";
    this.solo = null;
    this.veiled = new Set();
  }

  get #longest(): number {
    return Math.max(this.#size.width, this.#size.height);
  }

  get diameter(): number {
    return Math.min(LARGEST_DIAMETER, Math.max(1, Math.round(this.#longest * this.#brush)));
  }

  set diameter(pixels: number) {
    this.#brush = pixels / this.#longest;
  }

  /** Whether the tool sets the corners of a shape. */
  get setsCorners(): boolean {
    return this.tool === "polygon" || this.tool === "trace";
  }

  /** The photo is to be left: an open shape has to be closed or dropped before. Returns whether there is one. */
  holds(): boolean {
    if (this.shape === "none") return false;
    this.shape = "holding";
    if (!this.setsCorners) this.tool = "polygon";
    return true;
  }

  /** The diameter of the largest brush that is offered. */
  get largest(): number {
    return Math.max(200, Math.round(Math.min(this.#size.width, this.#size.height) / 4));
  }

  get habits(): Habits {
    const { opacity, outlines } = this;
    return { only: this.over === "unlabelled", opacity, brush: this.#brush, outlines };
  }

  #others(id: number): number[] {
    return this.own.map((_, index) => index).filter((index) => index !== id);
  }

  choose(id: number): void {
    if (id >= this.own.length) return;
    if (id !== this.id) [this.id, this.before] = [id, this.id];
    if (this.tool === "erase" || this.tool === "accept") this.tool = "brush";
  }

  swap(): void {
    this.choose(this.before);
  }

  /** Go on with the class of a pixel; the eraser for an unlabelled one. */
  pick(id: number): void {
    if (id === this.unlabelled) this.tool = "erase";
    else this.choose(id);
  }

  /** Classes that are not locked. */
  open = $derived.by(
    () => new Set(this.own.map((_, id) => id).filter((id) => !this.locked.has(id))) as ReadonlySet<number>,
  );

  /** Paint over nothing but this; over everything if that is so already. */
  paintOver(only: Over): void {
    const next = only === this.unlabelled ? "unlabelled" : only;
    const isSo = typeof next === typeof this.over && this.over !== "everything";
    this.over = isSo ? "everything" : next;
  }

  /** A larger or smaller brush, or superpixels. */
  resize(factor: number): void {
    if (this.tool === "superpixel") {
      const level = this.level - Math.sign(factor - 1);
      this.level = Math.min(LEVELS.length - 1, Math.max(0, level));
      return;
    }
    const next = Math.round(this.diameter * factor);
    const moved = next === this.diameter ? this.diameter + Math.sign(factor - 1) : next;
    this.diameter = Math.min(LARGEST_DIAMETER, Math.max(1, moved));
  }

  /** The photo is seen this many times larger now. */
  zoomed(factor: number): void {
    if (this.keepsSize) this.#brush /= factor;
  }

  fade(step: number): void {
    this.opacity = Math.min(1, Math.max(0, this.opacity + step));
  }

  lock(id: number): void {
    this.locked = toggled(this.locked, id);
  }

  hide(id: number): void {
    this.veiled = toggled(this.veiled, id);
  }
}

function toggled(ids: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}
