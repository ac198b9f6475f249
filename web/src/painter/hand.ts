// What the tools do to the label map where the pointer goes. Points are in image pixels.

import { acceptRegion } from "./layer";
import { type Change, paint } from "./label-map";
import { region } from "./regions";
import type { Session } from "./session.svelte";
import { capsule, outline, type Point, polygon, type Span, snapped } from "./shapes";
import type { Tools } from "./tools.svelte";

export interface Touch {
  /** The eraser of a pen. */
  erases: boolean;
  /** Change unlabelled pixels only. */
  only: boolean;
  /** The second click of two. */
  again: boolean;
  /** Image pixels that are one CSS pixel wide on the screen. */
  grain: number;
}

const CLOSING_CSS_PIXELS = 8;

export class Hand {
  #corners: Point[] = [];
  #stroke: { change: Change; last: Point; erases: boolean; only: boolean } | null = null;

  constructor(
    private readonly session: Session,
    private readonly tools: Tools,
  ) {}

  down(point: Point, touch: Touch): void {
    const { tool } = this.tools;
    if (tool === "polygon") {
      this.#corners.push(point);
      if (touch.again || this.#closes(touch.grain)) this.close(touch.only);
    } else if (tool === "lasso") {
      this.#corners = [point];
    } else if (tool === "accept") {
      this.#accept(point);
    } else {
      this.#begin(point, touch);
      if (tool !== "fill") return this.#put(this.#brush(point, point));
      if (this.session.holds(point)) this.#put(region(this.session.map!, ...floored(point)));
      this.end();
    }
  }

  follow(point: Point): void {
    if (this.#stroke) {
      this.#put(this.#brush(this.#stroke.last, point));
      this.#stroke.last = point;
    } else if (this.tools.tool === "lasso" && this.#corners.length) {
      this.#corners.push(point);
    }
  }

  up(only: boolean): void {
    if (this.tools.tool === "lasso" && this.#corners.length) this.close(only);
    this.end();
  }

  /** The stroke is whole. */
  end(): void {
    if (this.#stroke) this.session.painted(this.#stroke.change);
    this.#stroke = null;
  }

  /** Fill the shape whose corners were drawn. */
  close(only = false): void {
    const corners = this.#corners;
    this.drop();
    if (corners.length < 3) return;
    this.#begin(corners[0], { erases: false, only });
    this.#put(polygon(corners, this.session.map!));
    this.end();
  }

  drop(): void {
    this.#corners = [];
  }

  /** The lines that show what the tool would change. */
  marks(pointer: Point | null): [Point, Point][] {
    const { tool } = this.tools;
    if (pointer && (tool === "brush" || tool === "erase")) return outline(this.#brush(pointer, pointer));
    const open = tool === "polygon" && pointer && this.#corners.length;
    const shape = open ? [...this.#corners, pointer] : this.#corners;
    return shape.slice(1).map((point, index) => [shape[index], point]);
  }

  #begin(point: Point, { erases, only }: Pick<Touch, "erases" | "only">): void {
    this.#stroke = { change: [], last: point, erases: erases || this.tools.tool === "erase", only };
  }

  #brush(from: Point, to: Point): Span[] {
    const { diameter } = this.tools;
    return capsule(snapped(from, diameter), snapped(to, diameter), diameter / 2, this.session.map!);
  }

  #put(spans: Span[]): void {
    const { change, erases, only } = this.#stroke!;
    const from = change.length;
    const { rules, id } = this.tools;
    const allowed = only ? { ...rules, onlyUnlabelled: true } : rules;
    paint(this.session.map!, spans, erases ? rules.unlabelled : id, allowed, change);
    this.session.redraw(change, from);
  }

  #accept(point: Point): void {
    const { map, layer } = this.session;
    if (!map || !layer || !this.session.holds(point)) return;
    this.session.changed(acceptRegion(map, layer, ...floored(point), this.tools.unlabelled));
  }

  #closes(grain: number): boolean {
    const corners = this.#corners;
    if (corners.length < 4) return false;
    const [first, last] = [corners[0], corners[corners.length - 1]];
    return Math.hypot(first.x - last.x, first.y - last.y) < CLOSING_CSS_PIXELS * grain;
  }
}

export function floored({ x, y }: Point): [number, number] {
  return [Math.floor(x), Math.floor(y)];
}
