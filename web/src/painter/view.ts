// Where the image stands on the screen: one place that turns points of the screen into points of the image.

import type { Point, Size } from "./shapes";

export const [SMALLEST_SCALE, LARGEST_SCALE] = [1 / 16, 64];

/** `scale` is CSS pixels per image pixel; `x` and `y` are where the image's corner stands, in CSS pixels. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export function toImage(view: View, point: Point): Point {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

export function toScreen(view: View, point: Point): Point {
  return { x: point.x * view.scale + view.x, y: point.y * view.scale + view.y };
}

/** The view that shows the whole image in the middle. */
export function fitted(image: Size, screen: Size): View {
  const scale = clamped(Math.min(screen.width / image.width, screen.height / image.height));
  return {
    scale,
    x: (screen.width - image.width * scale) / 2,
    y: (screen.height - image.height * scale) / 2,
  };
}

/** The view at another scale, with the same image point under `anchor`. */
export function zoomed(view: View, anchor: Point, factor: number): View {
  const scale = clamped(view.scale * factor);
  const held = toImage(view, anchor);
  return { scale, x: anchor.x - held.x * scale, y: anchor.y - held.y * scale };
}

export function moved(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

function clamped(scale: number): number {
  return Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, scale));
}
