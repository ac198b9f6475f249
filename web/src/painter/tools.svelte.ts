// What the painter paints with: the tool, the class, the size of the brush, and what is shown.

import { distinct, type Rgb } from "./colours";
import type { Tool } from "./keys";
import type { Rules } from "./label-map";

const LARGEST_DIAMETER = 2000;

export class Tools {
  tool = $state<Tool>("brush");
  id = $state(0);
  before = $state(1);
  diameter = $state(24);
  opacity = $state(0.6);
  /** Paint unlabelled pixels only. */
  only = $state(false);
  locked = $state.raw<ReadonlySet<number>>(new Set());
  /** The only class that is shown. */
  solo = $state<number | null>(null);
  /** Show colours that are far apart instead of those of the class table. */
  apart = $state(false);

  rules = $derived.by<Rules>(() => ({
    unlabelled: this.unlabelled,
    onlyUnlabelled: this.only,
    locked: this.locked,
    onlyClass: null,
  }));
  colours = $derived.by(() => (this.apart ? distinct(this.own.length) : this.own));
  /** Classes that are not shown. */
  hidden = $derived.by(() => new Set(this.solo === null ? [] : this.#others(this.solo)));

  constructor(
    private readonly own: readonly Rgb[],
    readonly unlabelled: number,
  ) {}

  #others(id: number): number[] {
    return this.own.map((_, index) => index).filter((index) => index !== id);
  }

  choose(id: number): void {
    if (id >= this.own.length || id === this.id) return;
    [this.id, this.before] = [id, this.id];
    if (this.tool === "erase") this.tool = "brush";
  }

  swap(): void {
    this.choose(this.before);
  }

  /** Go on with the class of a pixel; the eraser for an unlabelled one. */
  pick(id: number): void {
    if (id === this.unlabelled) this.tool = "erase";
    else this.choose(id);
  }

  resize(factor: number): void {
    const next = Math.round(this.diameter * factor);
    const moved = next === this.diameter ? this.diameter + Math.sign(factor - 1) : next;
    this.diameter = Math.min(LARGEST_DIAMETER, Math.max(1, moved));
  }

  fade(step: number): void {
    this.opacity = Math.min(1, Math.max(0, this.opacity + step));
  }

  lock(id: number): void {
    const next = new Set(this.locked);
    if (!next.delete(id)) next.add(id);
    this.locked = next;
  }
}
