// What the points of a map are coloured by.

import type { Schemas } from "../api/client";
import { words } from "../words";

export type Columns = Schemas["PoolColumns"];
export const TINTS = ["cluster", "split", "labelled", "share", "uncertainty"] as const;
export type Tint = (typeof TINTS)[number];

const text = words.photosPage;
const GROUPS = [
  ...["#2563c9", "#d9480f", "#2b8a3e", "#ae3ec9", "#c99700", "#0c8599"],
  ...["#c2255c", "#5c940d", "#7048e8", "#a0522d", "#5f6b76", "#e64980"],
];
const [LESS, MORE, UNKNOWN] = ["#3b6fd4", "#d9480f", "#8b949b"];
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
  const table = GROUPS.map(bits);
  return {
    colours: Uint32Array.from(numbers, (number) => table[number % table.length]!),
    legend: names.map((name, number) => ({ name, colour: GROUPS[number]! })),
  };
}

/** From few, blue, to most, orange; what is not known is grey. */
function scale(values: (number | null)[], count: number): Tinted {
  const most = values.reduce((most: number, value) => Math.max(most, value ?? 0), 0) || 1;
  const table = Array.from({ length: STEPS + 1 }, (_, step) => bits(mixed(LESS, MORE, step / STEPS)));
  const colours = new Uint32Array(count).fill(bits(UNKNOWN));
  values.forEach((value, place) => {
    if (value !== null) colours[place] = table[Math.round((value / most) * STEPS)]!;
  });
  const percent = `${Math.round(most * 100)} %`;
  const legend = [
    { name: "0 %", colour: LESS },
    { name: percent, colour: MORE },
    { name: text.notKnown, colour: UNKNOWN },
  ];
  return { colours, legend };
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
}

function mixed(one: string, other: string, share: number): string {
  const [a, b] = [channels(one), channels(other)];
  const mix = a.map((value, n) => Math.round(value + (b[n]! - value) * share));
  return `#${mix.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The colour as a pixel of a canvas in memory: alpha, blue, green, red. */
function bits(colour: string): number {
  const [red, green, blue] = channels(colour);
  return ((255 << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0;
}
