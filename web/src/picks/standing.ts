// What the first picks of a selection stand for, read from the selection's map.

import type { Schemas } from "../api/client";
import type { Columns } from "../photos/tints";

export type MapOfSelection = Schemas["PoolMap"];
type Point = MapOfSelection["points"][number];

export interface Standing {
  /** How many photos have the pick as their nearest, the pick included. */
  count: number;
  /** Those nearest to it, at most `NEAREST`. */
  nearest: Point[];
}

const NEAREST = 6;

/** The map without the photos that are deleted now. */
export function there({ points, ...rest }: MapOfSelection, deleted: ReadonlySet<string>): MapOfSelection {
  return { ...rest, points: points.filter(({ image_id }) => !deleted.has(image_id)) };
}

/** The first of `budget` picks that is nearest to the photo, as its rank, and its distance. */
function reached({ nearer, cluster, distance }: Point, budget: number): readonly number[] {
  return nearer?.findLast(([rank]) => rank! <= budget) ?? [cluster ?? 0, distance];
}

/** The rank of the pick that stands for each photo if the first `budget` picks are labelled; 0: none does. */
export function clusters({ points }: MapOfSelection, budget: number): number[] {
  return points.map((point) => reached(point, budget)[0]!);
}

/** What each of the first `budget` picks stands for, by its rank. Null if the map does not tell. */
export function standing({ points }: MapOfSelection, budget: number): Map<number, Standing> | null {
  if (points.some(({ nearer }) => !nearer)) return null;
  const members = new Map<number, { point: Point; distance: number }[]>();
  for (const point of points) {
    const [rank = 0, distance = 0] = reached(point, budget);
    if (rank === 0) continue;
    if (!members.has(rank)) members.set(rank, []);
    members.get(rank)!.push({ point, distance });
  }
  const found = [...members].map(([rank, all]): [number, Standing] => {
    const others = all.filter(({ point }) => !point.pick || point.cluster !== rank);
    others.sort((one, other) => one.distance - other.distance);
    return [rank, { count: all.length, nearest: others.slice(0, NEAREST).map(({ point }) => point) }];
  });
  return new Map(found);
}

/** The map as the pool's map draws it. */
export function columnsOf(map: MapOfSelection, budget: number): Columns {
  const { method, explained_variance, points } = map;
  const zeros = points.map(() => 0);
  return {
    method,
    explained_variance,
    image_ids: points.map((point) => point.image_id),
    x: points.map((point) => point.x),
    y: points.map((point) => point.y),
    cluster: clusters(map, budget),
    labelled: points.map((point) => Number(point.labelled)),
    test: zeros,
    excluded: zeros,
    share: null,
    uncertainty: null,
  };
}
