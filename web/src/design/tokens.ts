// Colours of the tokens for what draws on canvases.

import { MediaQuery } from "svelte/reactivity";

const dark = new MediaQuery("prefers-color-scheme: dark");

/** The first ones of the colours of data. */
export function dataColours(count: number): string[] {
  return coloursOf(...Array.from({ length: count }, (_, n) => `--data-${n + 1}`));
}

/** What these tokens are now, in light or in dark: `rgb(…)` or `rgba(…)`. Effects run again when that changes. */
export function coloursOf(...tokens: string[]): string[] {
  void dark.current;
  const probe = document.body.appendChild(document.createElement("i"));
  const found = tokens.map((token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return found;
}
