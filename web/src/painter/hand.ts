// What the tools do to the label map where the pointer goes. Points are in image pixels.

import { inBackground } from "./background";
import { acceptRegion } from "./layer";
import type { SegmentMap } from "./segments";
import type { Session } from "./session.svelte";
import { capsule, outline, type Point, polygon, type Span, snapped } from "./shapes";
import type { Tools } from "./tools.svelte";

export interface Touch {
  /** The eraser of a pen. */
  erases: boolean;
  /** Change unlabelled pixels only. */
  only: boolean;
  /** Image pixels that are one CSS pixel wide on the screen. */
  grain: number;
}

type Stroke = { last: Point; erases: boolean; only: boolean };

const CLOSING_CSS_PIXELS = 8;

export class Hand {
  /** Of a polygon or a traced shape; it stays when another tool is used in between. */
  #corners: Point[] = [];
  /** The traced path from the last corner to the pointer. */
  #path: Point[] = [];
  #tracing = 0;
  #lasso: Point[] = [];
  #stroke: Stroke | null = null;
  /** Superpixels that the stroke has painted. */
  #painted = new Set<number>();

  /** `moved` is called when the marks are others without a movement of the pointer. */
  constructor(
    private readonly session: Session,
    private readonly tools: Tools,
    private readonly moved: () => void,
  ) {}

  down(point: Point, touch: Touch): void {
    const { tool } = this.tools;
    if (this.tools.setsCorners) this.#corner(point, touch);
    else if (tool === "lasso") this.#lasso = [point];
    else if (tool === "accept") this.#accept(point);
    else if (tool === "fill" || tool === "wand") void this.#flood(point, touch);
    else {
      this.#begin(point, touch);
      this.#stroked(point, point);
    }
  }

  follow(point: Point): void {
    if (this.#stroke) {
      this.#stroked(this.#stroke.last, point);
      this.#stroke.last = point;
    } else if (this.#lasso.length) {
      this.#lasso.push(point);
    }
  }

  /** The pointer stands here now. */
  point(point: Point): void {
    if (this.tools.tool === "trace" && this.#corners.length) void this.#trace(point);
  }

  up(only: boolean): void {
    const lasso = this.#lasso;
    this.#lasso = [];
    this.#fill(lasso, only);
    this.end();
  }

  /** The stroke is whole. */
  end(): void {
    this.session.sheet?.end();
    this.#stroke = null;
    this.#painted.clear();
  }

  /** The pointer draws no more: its stroke is whole, and its lasso is forgotten. */
  stop(): void {
    this.#lasso = [];
    this.end();
  }

  /** Fill the shape whose corners were set, if the tool is one that sets them. */
  close(only = false): void {
    if (!this.tools.setsCorners) return;
    const corners = this.#corners;
    this.#shape([]);
    this.#fill(corners, only);
  }

  /** Forget the shape that is being drawn. Returns whether there was one. */
  drop(): boolean {
    const isDrawing = this.#corners.length + this.#lasso.length > 0;
    this.#shape([]);
    this.#lasso = [];
    return isDrawing;
  }

  #shape(corners: Point[]): void {
    [this.#corners, this.#path] = [corners, []];
    this.tools.shape = corners.length ? "open" : "none";
    this.#tracing++;
  }

  #fill(corners: Point[], only: boolean): void {
    if (corners.length > 2) this.#once(polygon(corners, this.session.map!), { erases: false, only });
  }

  /** Paint one superpixel. */
  fill(segment: number): void {
    const segments = this.#segments();
    if (segments && segment >= 0) this.#once(segments.spans(segment), { erases: false, only: false });
  }

  /** The lines that show what the tool would change. */
  marks(pointer: Point | null): [Point, Point][] {
    const { tool } = this.tools;
    const changed: Span[] = [];
    if (pointer && (tool === "brush" || tool === "erase")) changed.push(...this.#brush(pointer, pointer));
    if (pointer && tool === "superpixel") {
      const segments = this.#segments();
      const segment = segments?.at(pointer) ?? -1;
      if (segments && segment >= 0) changed.push(...segments.spans(segment));
    }
    return [...outline(changed), ...sides(this.#lasso), ...sides(this.#open(pointer))];
  }

  /** The shape that is not closed, with what the tool would add to it. */
  #open(pointer: Point | null): Point[] {
    const { tool } = this.tools;
    if (tool === "trace") return [...this.#corners, ...this.#path];
    return tool === "polygon" && pointer && this.#corners.length
      ? [...this.#corners, pointer]
      : this.#corners;
  }

  #segments(): SegmentMap | null {
    return this.session.picture?.segments[this.tools.level] ?? null;
  }

  #begin(point: Point, { erases, only }: Pick<Touch, "erases" | "only">): void {
    this.session.sheet?.begin();
    this.#stroke = { last: point, erases: erases || this.tools.tool === "erase", only };
  }

  #once(spans: Span[], touch: Pick<Touch, "erases" | "only">): void {
    this.#begin({ x: 0, y: 0 }, touch);
    this.#put(spans);
    this.end();
  }

  #stroked(from: Point, to: Point): void {
    if (this.tools.tool !== "superpixel") return this.#put(this.#brush(from, to));
    const segments = this.#segments();
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 2));
    for (let step = 1; segments && step <= steps; step++) {
      const share = step / steps;
      const point = { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
      const segment = segments.at(point);
      if (segment < 0 || this.#painted.has(segment)) continue;
      this.#painted.add(segment);
      this.#put(segments.spans(segment));
    }
  }

  #brush(from: Point, to: Point): Span[] {
    const { diameter } = this.tools;
    return capsule(snapped(from, diameter), snapped(to, diameter), diameter / 2, this.session.map!);
  }

  #put(spans: Span[]): void {
    const { erases, only } = this.#stroke!;
    const { rules, id } = this.tools;
    const allowed = only ? { ...rules, onlyUnlabelled: true } : rules;
    this.session.sheet?.paint(spans, erases ? rules.unlabelled : id, allowed);
  }

  async #flood(point: Point, touch: Touch): Promise<void> {
    const { map, picture } = this.session;
    if (!map || !picture || !this.session.holds(point)) return;
    const spans =
      this.tools.tool === "fill"
        ? await inBackground("region", map, ...floored(point))
        : await picture.alike(point, this.tools.tolerance);
    if (map === this.session.map && !this.#stroke) this.#once(spans, touch);
  }

  #corner(point: Point, touch: Touch): void {
    this.#shape([...this.#open(null), point]);
    if (this.#closes(touch.grain)) this.close(touch.only);
  }

  async #trace(point: Point): Promise<void> {
    const tracing = ++this.#tracing;
    const found = await this.session.picture?.trace(this.#corners[this.#corners.length - 1], point);
    if (!found || tracing !== this.#tracing) return;
    this.#path = found;
    this.moved();
  }

  #accept(point: Point): void {
    const { map, layer } = this.session;
    if (!map || !layer || !this.session.holds(point)) return;
    this.session.sheet?.edit(() => acceptRegion(map, layer, ...floored(point), this.tools.unlabelled));
  }

  #closes(grain: number): boolean {
    const corners = this.#corners;
    if (corners.length < 4) return false;
    const [first, last] = [corners[0], corners[corners.length - 1]];
    return Math.hypot(first.x - last.x, first.y - last.y) < CLOSING_CSS_PIXELS * grain;
  }
}

function sides(shape: readonly Point[]): [Point, Point][] {
  return shape.slice(1).map((point, index) => [shape[index], point]);
}

export function floored({ x, y }: Point): [number, number] {
  return [Math.floor(x), Math.floor(y)];
}
