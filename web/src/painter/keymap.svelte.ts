// The keys that the person gave to commands, kept in this browser.

import { assigned, type Command, FIRST_KEYS, type Keys } from "./keys";

const PLACE = "fewpairs.keys";

function read(): Keys {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE) ?? "{}") as Partial<Keys>;
    const known = Object.entries(found).filter(([command, key]) => command in FIRST_KEYS && key);
    return { ...FIRST_KEYS, ...Object.fromEntries(known) };
  } catch {
    return FIRST_KEYS;
  }
}

export const keymap = $state({ keys: read() });

export function giveKey(command: Command, key: string): void {
  keymap.keys = assigned(keymap.keys, command, key);
  localStorage.setItem(PLACE, JSON.stringify(keymap.keys));
}

export function giveFirstKeys(): void {
  keymap.keys = FIRST_KEYS;
  localStorage.removeItem(PLACE);
}
