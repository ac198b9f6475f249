// The canvases of the painter. They are written and never read.

import { coloursOf } from "../design/tokens";
import { drawn, type Shown } from "./colours";
import { type Box } from "./label-map";
import type { Point, Size } from "./shapes";
import { closeUp, fitted, isWhole, MARGIN, moved, resized, toImage, toScreen, type View } from "./view";

/** Of the edges of marks, and of the marks. */
const WIDTHS = [3, 1.25];
/** Between a place and its frame, in CSS pixels. */
const GAP = 4;

export class Stage {
  view: View = { scale: 1, x: 0, y: 0 };
  /** A place to look at, which is framed. */
  framed: Box | null = null;
  readonly #lines = coloursOf("--shade", "--on-shade").map((colour, n) => [WIDTHS[n], colour] as const);
  #ratio = 1;
  #size: Size = { width: 0, height: 0 };

  /**
   * `photo` and `shown` say what to draw; `canvases` hold the photo, the label map and the marks. `looked` is
   * told how many times larger the photo is seen now, and whether it is seen as a whole.
   */
  constructor(
    private readonly holder: HTMLElement,
    private readonly canvases: readonly [HTMLCanvasElement, HTMLCanvasElement, HTMLCanvasElement],
    private readonly photo: () => ImageBitmap,
    private readonly shown: () => Shown,
    private readonly marks: () => [Point, Point][],
    private readonly looked: (factor: number, isWhole: boolean) => void,
  ) {}

  /** The painter has another size: show the whole image as before, or what was in the middle. */
  resize(): void {
    const before = this.#size;
    const { width, height } = (this.#size = {
      width: this.holder.clientWidth,
      height: this.holder.clientHeight,
    });
    this.#ratio = window.devicePixelRatio;
    for (const canvas of this.canvases) {
      canvas.width = Math.round(width * this.#ratio);
      canvas.height = Math.round(height * this.#ratio);
    }
    const { map } = this.shown();
    const view = resized(this.view, map, before, this.#size);
    if (before.width === 0) this.view = view; // nothing was seen before
    this.look(view);
  }

  focusOn(part: Box): void {
    this.framed = part;
    this.look(closeUp(part, this.shown().map, this.#size));
  }

  showAll(): void {
    this.look(fitted(this.shown().map, this.#size, MARGIN));
  }

  look(view: View): void {
    this.looked(view.scale / this.view.scale, isWhole(view, this.shown().map, this.#size));
    this.view = view;
    this.drawPhoto();
    this.drawLabels();
    this.drawMarks();
  }

  /** Move the view so that a point is seen. */
  reveal(point: Point): void {
    const { x, y } = toScreen(this.view, point);
    const isSeen = x >= 0 && y >= 0 && x < this.#size.width && y < this.#size.height;
    if (!isSeen) this.look(moved(this.view, this.#size.width / 2 - x, this.#size.height / 2 - y));
  }

  /** Where on the screen, from the painter's corner, something happened. */
  place(event: MouseEvent): Point {
    const box = this.holder.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  at(event: MouseEvent): Point {
    return toImage(this.view, this.place(event));
  }

  private drawPhoto(): void {
    const [canvas] = this.canvases;
    const scale = this.view.scale * this.#ratio;
    const context = canvas.getContext("2d")!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(scale, 0, 0, scale, this.view.x * this.#ratio, this.view.y * this.#ratio);
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(this.photo(), 0, 0);
  }

  /** Draw the label map, or only the part of it that holds these image pixels. */
  drawLabels(part: Box | null = null): void {
    const canvas = this.canvases[1];
    const box = part ? this.onScreen(part) : { left: 0, top: 0, right: canvas.width, bottom: canvas.height };
    if (box.left >= box.right || box.top >= box.bottom) return;
    const picture = drawn(this.shown(), this.view, this.#ratio, box);
    canvas.getContext("2d")!.putImageData(picture, box.left, box.top);
  }

  private onScreen(part: Box): Box {
    const first = toScreen(this.view, { x: part.left, y: part.top });
    const last = toScreen(this.view, { x: part.right, y: part.bottom });
    return {
      left: Math.max(0, Math.floor(first.x * this.#ratio) - 3),
      top: Math.max(0, Math.floor(first.y * this.#ratio) - 3),
      right: Math.min(this.canvases[1].width, Math.ceil(last.x * this.#ratio) + 1),
      bottom: Math.min(this.canvases[1].height, Math.ceil(last.y * this.#ratio) + 1),
    };
  }

  /** The ring of the brush, the corners of the shape that is being drawn, and the frame of a place. */
  drawMarks(): void {
    const canvas = this.canvases[2];
    const context = canvas.getContext("2d")!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.beginPath();
    for (const [a, b] of this.marks()) {
      const [from, to] = [toScreen(this.view, a), toScreen(this.view, b)];
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
    }
    if (this.framed) {
      const { left, top, right, bottom } = this.framed;
      const [from, to] = [
        toScreen(this.view, { x: left, y: top }),
        toScreen(this.view, { x: right, y: bottom }),
      ];
      context.rect(from.x - GAP, from.y - GAP, to.x - from.x + 2 * GAP, to.y - from.y + 2 * GAP);
    }
    for (const [width, colour] of this.#lines) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    }
  }
}
