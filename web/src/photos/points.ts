// The points of a map: where they are drawn, which lie inside a lasso, and which is nearest.

export interface Points {
  x: Float32Array;
  y: Float32Array;
}

/** The points on a picture of this size, as large as fits with a margin; both axes have one scale. */
export function fitted(points: Points, width: number, height: number, margin: number): Points {
  const [left, right] = range(points.x);
  const [bottom, top] = range(points.y);
  const scale = Math.min(
    (width - 2 * margin) / (right - left || 1),
    (height - 2 * margin) / (top - bottom || 1),
  );
  const x = points.x.map((value) => width / 2 + (value - (left + right) / 2) * scale);
  const y = points.y.map((value) => height / 2 - (value - (bottom + top) / 2) * scale);
  return { x, y };
}

function range(values: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** The places in `points` that are inside a closed line, whose corners are x, y, x, y, …; by the even-odd rule. */
export function inside(points: Points, lasso: Float32Array): number[] {
  const [xs, ys] = [lasso.filter((_, n) => n % 2 === 0), lasso.filter((_, n) => n % 2 === 1)];
  const [left, right] = range(xs);
  const [top, bottom] = range(ys);
  const found: number[] = [];
  for (let n = 0; n < points.x.length; n++) {
    const [x, y] = [points.x[n]!, points.y[n]!];
    if (x < left || x > right || y < top || y > bottom) continue;
    if (isInside(x, y, xs, ys)) found.push(n);
  }
  return found;
}

function isInside(x: number, y: number, xs: Float32Array, ys: Float32Array): boolean {
  let is = false;
  for (let n = 0, before = xs.length - 1; n < xs.length; before = n++) {
    const [y0, y1] = [ys[n]!, ys[before]!];
    if (y0 > y === y1 > y) continue;
    if (x < ((xs[before]! - xs[n]!) * (y - y0)) / (y1 - y0) + xs[n]!) is = !is;
  }
  return is;
}

/** The place of the point nearest to (x, y), at most `within` away; −1 if there is none. */
export function nearest(points: Points, x: number, y: number, within: number): number {
  let [best, least] = [-1, within * within];
  for (let n = 0; n < points.x.length; n++) {
    const [dx, dy] = [points.x[n]! - x, points.y[n]! - y];
    const apart = dx * dx + dy * dy;
    if (apart <= least) [best, least] = [n, apart];
  }
  return best;
}

/**
 * Draw points as squares of `side` pixels into RGBA pixels, one 32-bit number each, of a picture `width` wide.
 * Points of `above` are drawn last, with larger squares.
 */
export function draw(
  pixels: Uint32Array,
  width: number,
  points: Points,
  colours: Uint32Array,
  side: number,
  above: Uint8Array | null,
): void {
  const height = pixels.length / width;
  for (const turn of above ? [0, 1] : [0]) {
    const reach = side + 2 * turn;
    for (let n = 0; n < points.x.length; n++) {
      if (above && above[n] !== turn) continue;
      const left = Math.max(0, Math.round(points.x[n]! - reach / 2));
      const top = Math.max(0, Math.round(points.y[n]! - reach / 2));
      const right = Math.min(width, left + reach);
      for (let row = top; row < Math.min(height, top + reach); row++)
        pixels.fill(colours[n]!, row * width + left, row * width + right);
    }
  }
}
