// What is in a folder that was dropped, by the names of its files.

import type { Found } from "../parts/upload";
import { counted, words } from "../words";

const KINDS: [RegExp, string][] = [
  [/\.(jpe?g|png|webp|avif|tiff?|bmp)$/i, "photo"],
  [/\.(zip|tar|tar\.gz|tgz)$/i, "archive"],
];

/** A sentence; empty if nothing was dropped. */
export function described(found: Found[]): string {
  if (found.length === 0) return "";
  const counts = KINDS.map(([ending]) => found.filter(({ name }) => ending.test(name)).length);
  const others = found.length - counts.reduce((sum, count) => sum + count, 0);
  const parts = KINDS.flatMap(([, kind], n) => (counts[n] ? [counted(counts[n]!, kind)] : []));
  if (others) parts.push(words.start.others(others));
  return words.start.found(parts.join(", "));
}
