// The lines of a training's history as series over the steps.

import type { Metric } from "../../api/streams";

export function byName(
  lines: readonly Metric[],
  values: (line: Metric) => Record<string, number | null>,
): Map<string, [number, number][]> {
  const found = new Map<string, [number, number][]>();
  for (const line of lines) {
    for (const [name, value] of Object.entries(values(line))) {
      if (value === null) continue;
      if (!found.has(name)) found.set(name, []);
      found.get(name)!.push([line.step, value]);
    }
  }
  return found;
}

/** Whether no value ever changes by more than a hundredth. */
export function areConstant(series: ReadonlyMap<string, readonly [number, number][]>): boolean {
  return [...series.values()].every((points) => {
    const [, first] = points[0]!;
    return points.every(([, value]) => Math.abs(value - first) <= Math.abs(first) / 100);
  });
}
