// The keys of each page, except for the painter's, which it lists itself.

import type { Place } from "./router.svelte";
import { words } from "./words";

const { keysOf, comparePage } = words;

const EVERYWHERE: readonly [string, string][] = [
  ["Ctrl + K", keysOf.jump],
  ["?", keysOf.help],
  ["Escape", keysOf.leave],
];
const OF_PAGE: Partial<Record<Place["page"], readonly [string, string][]>> = {
  photos: [
    ["← → ↑ ↓", keysOf.arrows],
    ["Home, End", keysOf.ends],
    ["Enter", keysOf.open],
    ["Space", keysOf.select],
    ["Shift + Space", keysOf.through],
    ["Ctrl + click", keysOf.select],
    ["Shift + click", keysOf.through],
    ["Ctrl + Z", keysOf.undo],
    ["Ctrl + Shift + Z", keysOf.redo],
  ],
  picks: [["← →", keysOf.slider]],
  compare: [
    ["B", comparePage.keys.b],
    ["E", comparePage.keys.e],
    ["+ −, Ctrl + wheel", comparePage.keys.zoom],
    ["0", comparePage.keys.fit],
    ["Shift + ← → ↑ ↓", comparePage.keys.pan],
    ["P, N", comparePage.keys.walk],
  ],
};

export function keysOfPage(page: Place["page"]): readonly [string, string][] {
  return [...(OF_PAGE[page] ?? []), ...EVERYWHERE];
}

/** Whether a key was meant for what it was typed into. */
export function isTyped(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return (
    ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) &&
    !["range", "checkbox", "button"].includes((target as HTMLInputElement).type)
  );
}
