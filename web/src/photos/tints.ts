// What the points of a map are coloured by.

import type { Schemas } from "../api/client";
import { coloursOf, dataColours } from "../design/tokens";
import { words } from "../words";

export type Columns = Schemas["PoolColumns"];
export const TINTS = ["cluster", "split", "labelled", "share", "uncertainty"] as const;
export type Tint = (typeof TINTS)[number];

const text = words.photosPage;
const GROUPS = 12;
const STEPS = 32;

export interface Tinted {
  /** A colour for each point, as the 32 bits of its pixels. */
  colours: Uint32Array;
  legend: { name: string; colour: string }[];
}

export function tinted(columns: Columns, by: Tint): Tinted {
  if (by === "split") return groups(columns.test, [words.splits.train, words.splits.test]);
  if (by === "labelled") return groups(columns.labelled, [text.unlabelled, text.labelled]);
  if (by === "cluster") return groups(columns.cluster, []);
  return scale((by === "share" ? columns.share : columns.uncertainty) ?? [], columns.image_ids.length);
}

function groups(numbers: number[], names: string[]): Tinted {
  const groups = dataColours(GROUPS);
  const table = groups.map(bits);
  return {
    colours: Uint32Array.from(numbers, (number) => table[number % GROUPS]!),
    legend: names.map((name, number) => ({ name, colour: groups[number]! })),
  };
}

/** From few, blue, to most, orange; what is not known is grey. */
function scale(values: (number | null)[], count: number): Tinted {
  const most = values.reduce((most: number, value) => Math.max(most, value ?? 0), 0) || 1;
  const [less, more, unknown] = coloursOf("--data-1", "--data-2", "--data-none");
  const table = Array.from({ length: STEPS + 1 }, (_, step) => bits(mixed(less, more, step / STEPS)));
  const colours = new Uint32Array(count).fill(bits(unknown));
  values.forEach((value, place) => {
    if (value !== null) colours[place] = table[Math.round((value / most) * STEPS)]!;
  });
  const percent = `${Math.round(most * 100)} %`;
  const legend = [
    { name: "0 %", colour: less },
    { name: percent, colour: more },
    { name: text.notKnown, colour: unknown },
  ];
  return { colours, legend };
}

function channels(colour: string): number[] {
  return colour.match(/\d+/g)!.map(Number);
}

function mixed(one: string, other: string, share: number): string {
  const [a, b] = [channels(one), channels(other)];
  const mix = a.map((value, n) => Math.round(value + (b[n]! - value) * share));
  return `rgb(${mix.join(", ")})`;
}

/** The colour as a pixel of a canvas in memory: alpha, blue, green, red. */
function bits(colour: string): number {
  const [red, green, blue] = channels(colour);
  return ((255 << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0;
}
