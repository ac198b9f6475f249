// Class tables as people have them: pasted lines, JSON, CVAT's labelmap.txt, CamVid's label_colors.txt.

import { words } from "../words";

export interface Class {
  name: string;
  color?: [number, number, number];
  id?: number;
}

const CVAT = /^([^:#]+):(\d+),(\d+),(\d+):/;
const CAMVID = /^(\d+)\s+(\d+)\s+(\d+)\s+(.+)$/;
const HEX = /^(.+?)\s+#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i;

/** The classes in a text. Throws an Error that says what is wrong. */
export function classesIn(text: string): Class[] {
  if (text.trim().startsWith("{")) {
    const table = parsed(text);
    if (!Array.isArray(table.classes)) throw new Error(words.start.noClasses);
    return table.classes.map(({ name, color, id }) => ({
      name,
      ...(color ? { color } : {}),
      ...(id === undefined ? {} : { id }),
    }));
  }
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith("#"))
    .map(classOf);
}

function parsed(text: string): { classes?: Class[] } {
  try {
    return JSON.parse(text) as { classes?: Class[] };
  } catch {
    throw new Error(words.start.notJson);
  }
}

function classOf(line: string): Class {
  const cvat = CVAT.exec(line);
  if (cvat) return { name: cvat[1]!.trim(), color: color(cvat.slice(2, 5), 10) };
  const camvid = CAMVID.exec(line);
  if (camvid) return { name: camvid[4]!.trim(), color: color(camvid.slice(1, 4), 10) };
  const hex = HEX.exec(line);
  if (hex) return { name: hex[1]!.trim(), color: color(hex.slice(2, 5), 16) };
  return { name: line };
}

/** A class as a line that `classesIn` reads. */
export function written({ name, color }: { name: string; color?: readonly number[] | null }): string {
  return color ? `${name} ${hexOf(color)}` : name;
}

/** A colour as HTML writes it. */
export function hexOf(color: readonly number[]): string {
  return `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

export function colorOf(hex: string): [number, number, number] {
  return color(hex.match(/[0-9a-f]{2}/gi)!, 16);
}

function color(parts: string[], base: number): [number, number, number] {
  const [red, green, blue] = parts.map((part) => parseInt(part, base));
  return [red!, green!, blue!];
}
