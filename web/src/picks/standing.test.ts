import * as fc from "fast-check";
import { expect, test } from "vitest";

import { clusters, type MapOfSelection, standing, there } from "./standing";

const PICKS = 5;

/** The map of photos on a line; the first ones are the picks, and the last one is labelled. */
function mapOf(places: number[]): MapOfSelection {
  const labelled = places.at(-1)!;
  const points = places.map((x, photo) => {
    const nearer: [number, number][] = [[0, Math.abs(x - labelled)]];
    places.slice(0, PICKS).forEach((pick, at) => {
      const distance = Math.abs(x - pick);
      if (distance < nearer.at(-1)![1]) nearer.push([at + 1, distance]);
    });
    const [rank, distance] = nearer.at(-1)!;
    const [pick, isLabelled] = [photo < PICKS, photo === places.length - 1];
    const name = `${photo}`;
    return {
      image_id: name,
      name,
      x,
      y: 0,
      cluster: rank || null,
      distance,
      nearer,
      pick,
      labelled: isLabelled,
    };
  });
  return { method: "pca", explained_variance: null, points };
}

test("the first picks stand for the photos nearest to them, as a search through all says", () => {
  const anywhere = fc.uniqueArray(fc.integer({ min: 0, max: 9999 }), { minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(anywhere, fc.integer({ min: 1, max: PICKS }), (places, budget) => {
      const map = mapOf(places);
      const centres = [places.at(-1)!, ...places.slice(0, budget)];
      const apart = places.map((x) => centres.map((centre) => Math.abs(x - centre)));
      const own = apart.map((distances) => distances.indexOf(Math.min(...distances)));
      expect(clusters(map, budget)).toEqual(own);
      const found = standing(map, budget)!;
      for (let rank = 1; rank <= budget; rank++) {
        const members = own.flatMap((each, photo) => (each === rank ? [photo] : []));
        members.sort((one, other) => apart[one]![rank]! - apart[other]![rank]!);
        expect(found.get(rank)!.count).toBe(members.length);
        expect(found.get(rank)!.nearest.map(({ name }) => Number(name))).toEqual(members.slice(1, 7));
      }
    }),
  );
});

test("a map that tells only the nearest of all picks says nothing of fewer", () => {
  const { points, ...rest } = mapOf([10, 20, 30, 40, 50, 60]);
  expect(standing({ ...rest, points: points.map((point) => ({ ...point, nearer: null })) }, 2)).toBe(null);
});

test("what was deleted is near no pick", () => {
  const map = there(mapOf([10, 20, 30, 40, 50, 11, 12, 60]), new Set(["5"]));
  const { nearest, count } = standing(map, PICKS)!.get(1)!;
  expect([nearest.map(({ name }) => name), count]).toEqual([["6"], 2]);
});
