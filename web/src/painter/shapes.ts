// The pixels of shapes. Pixel (i, j) covers [i, i+1) × [j, j+1) and belongs to a shape when its centre does.

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Pixels [start, end) of one row, inside the image. */
export interface Span {
  row: number;
  start: number;
  end: number;
}

/**
 * Where the centre of a brush of this diameter stands: on a pixel's centre if the diameter is odd, between
 * pixels if it is even. So a brush has one form wherever it is, and one of diameter 1 paints the pixel that
 * it points at.
 */
export function snapped(point: Point, diameter: number): Point {
  if (diameter % 2 === 0) return { x: Math.round(point.x), y: Math.round(point.y) };
  return { x: Math.floor(point.x) + 0.5, y: Math.floor(point.y) + 0.5 };
}

/** The pixels that a round brush covers on its way from `a` to `b`. */
export function capsule(a: Point, b: Point, radius: number, size: Size): Span[] {
  const first = Math.max(0, Math.ceil(Math.min(a.y, b.y) - radius - 0.5));
  const last = Math.min(size.height - 1, Math.floor(Math.max(a.y, b.y) + radius - 0.5));
  const spans: Span[] = [];
  for (let row = first; row <= last; row++) {
    const y = row + 0.5;
    const covered = [...disc(a, radius, y), ...disc(b, radius, y), ...band(a, b, radius, y)];
    if (covered.length === 0) continue;
    const start = Math.max(0, Math.ceil(Math.min(...covered) - 0.5));
    const end = Math.min(size.width, Math.floor(Math.max(...covered) - 0.5) + 1);
    if (start < end) spans.push({ row, start, end });
  }
  return spans;
}

/** Where the line at height `y` enters and leaves the disc; nothing if it misses it. */
function disc(centre: Point, radius: number, y: number): number[] {
  const square = radius * radius - (y - centre.y) ** 2;
  if (square < 0) return [];
  const half = Math.sqrt(square);
  return [centre.x - half, centre.x + half];
}

/** Where the line at height `y` enters and leaves the rectangle between two discs. */
function band(a: Point, b: Point, radius: number, y: number): number[] {
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  if (length === 0) return [];
  const side = { x: (-(b.y - a.y) / length) * radius, y: ((b.x - a.x) / length) * radius };
  const corners = [
    { x: a.x + side.x, y: a.y + side.y },
    { x: b.x + side.x, y: b.y + side.y },
    { x: b.x - side.x, y: b.y - side.y },
    { x: a.x - side.x, y: a.y - side.y },
  ];
  return crossings(corners, y);
}

/**
 * The pixels inside a closed polygon, by the even-odd rule. Polygons that share an edge share no pixel and
 * leave none between them.
 */
export function polygon(points: readonly Point[], size: Size): Span[] {
  const heights = points.map((point) => point.y);
  const first = Math.max(0, Math.floor(Math.min(...heights)));
  const last = Math.min(size.height - 1, Math.ceil(Math.max(...heights)));
  const spans: Span[] = [];
  for (let row = first; row <= last; row++) {
    const at = crossings(points, row + 0.5).sort((left, right) => left - right);
    for (let index = 0; index + 1 < at.length; index += 2) {
      const start = Math.max(0, Math.ceil(at[index] - 0.5));
      const end = Math.min(size.width, Math.ceil(at[index + 1] - 0.5));
      if (start < end) spans.push({ row, start, end });
    }
  }
  return spans;
}

/** Where the edges of a closed polygon cross the line at height `y`. An edge holds its upper end only. */
function crossings(points: readonly Point[], y: number): number[] {
  const found: number[] = [];
  for (let index = 0; index < points.length; index++) {
    let [a, b] = [points[index], points[(index + 1) % points.length]];
    if (a.y > b.y) [a, b] = [b, a];
    if (a.y <= y && y < b.y) found.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return found;
}

/** The edges between pixels of the spans and others: what a cursor shows of the pixels that it would change. */
export function outline(spans: readonly Span[]): [Point, Point][] {
  const covered = new Map<number, Span[]>();
  for (const span of spans) covered.set(span.row, [...(covered.get(span.row) ?? []), span]);
  const holds = (row: number, column: number) =>
    (covered.get(row) ?? []).some((span) => span.start <= column && column < span.end);
  const edges: [Point, Point][] = [];
  for (const { row, start, end } of spans) {
    edges.push(
      [
        { x: start, y: row },
        { x: start, y: row + 1 },
      ],
      [
        { x: end, y: row },
        { x: end, y: row + 1 },
      ],
    );
    for (const [beside, y] of [
      [row - 1, row],
      [row + 1, row + 1],
    ] as const) {
      let open: number | null = null;
      for (let column = start; column <= end; column++) {
        const edge = column < end && !holds(beside, column);
        if (edge && open === null) open = column;
        if (!edge && open !== null) {
          edges.push([
            { x: open, y },
            { x: column, y },
          ]);
          open = null;
        }
      }
    }
  }
  return edges;
}
