// Where the image stands on the screen: one place that turns points of the screen into points of the image.

import type { Box } from "./label-map";
import type { Point, Size } from "./shapes";

export const [SMALLEST_SCALE, LARGEST_SCALE] = [1 / 16, 64];
/** Around a whole image that is painted, in CSS pixels: shapes that end at its edge are drawn beyond it. */
export const MARGIN = 12;

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
export function fitted(image: Size, screen: Size, margin = 0): View {
  const [width, height] = [screen.width - 2 * margin, screen.height - 2 * margin];
  const scale = clamped(Math.min(width / image.width, height / image.height));
  return {
    scale,
    x: (screen.width - image.width * scale) / 2,
    y: (screen.height - image.height * scale) / 2,
  };
}

/** Whether it is the view that shows the whole image, to be painted. */
export function isWhole(view: View, image: Size, screen: Size): boolean {
  const whole = fitted(image, screen, MARGIN);
  return view.scale === whole.scale && view.x === whole.x && view.y === whole.y;
}

/** The view when the screen gets another size: of the whole image as before, or of what was in the middle. */
export function resized(view: View, image: Size, before: Size, now: Size): View {
  if (isWhole(view, image, before) || before.width === 0 || before.height === 0)
    return fitted(image, now, MARGIN);
  return moved(view, (now.width - before.width) / 2, (now.height - before.height) / 2);
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

/** The view after a finger moved from `before` to `now` while another one stayed at `other`. */
export function pinched(view: View, other: Point, before: Point, now: Point): View {
  const apart = (point: Point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  const dragged = moved(view, (now.x - before.x) / 2, (now.y - before.y) / 2);
  return zoomed(dragged, middle, apart(now) / apart(before));
}

/**
 * The view that shows a part of the image in the middle, large enough to work on; the whole image if the part
 * is a large one.
 */
export function closeUp(part: Box, image: Size, screen: Size): View {
  const around = Math.max(part.right - part.left, part.bottom - part.top, 40) * 3;
  const scale = clamped(Math.min(screen.width, screen.height) / around);
  const whole = fitted(image, screen, MARGIN);
  if (scale <= whole.scale) return whole;
  return {
    scale,
    x: screen.width / 2 - ((part.left + part.right) / 2) * scale,
    y: screen.height / 2 - ((part.top + part.bottom) / 2) * scale,
  };
}

function clamped(scale: number): number {
  return Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, scale));
}
