// Which key does what. Digits are told by their place on the keyboard, letters by what they write.

export type Action =
  | { kind: "class"; index: number }
  | { kind: "tool"; tool: Tool }
  | { kind: "size"; factor: number }
  | { kind: "opacity"; step: number }
  | {
      kind:
        | ("undo" | "redo" | "swap" | "only" | "lock" | "solo" | "help")
        | ("next" | "doubt" | "accept-class" | "accept-all" | "save" | "done");
    };

export const TOOLS = ["brush", "erase", "lasso", "polygon", "fill", "accept"] as const;
export type Tool = (typeof TOOLS)[number];

export const KEYS: readonly [string, string][] = [
  ["1 – 9, 0", "class 1 – 10 (with Shift 11 – 20)"],
  ["B E L P F", "brush, eraser, lasso, polygon, fill region"],
  ["A", "accept the suggestion region by region"],
  ["Shift + A, Ctrl + A", "accept its pixels of the class, all of it"],
  ["D", "next place where the suggestion is unsure"],
  ["[ ]", "smaller, larger brush (Alt + wheel too)"],
  ["- =", "label map less, more visible"],
  ["Tab", "photo only, while held"],
  ["X", "back to the class before"],
  ["U", "paint only unlabelled pixels (Shift while painting too)"],
  ["K, O", "lock the class, show only the class"],
  ["Ctrl + Z, Ctrl + Shift + Z", "undo, redo"],
  ["N", "next unlabelled region"],
  ["Ctrl + S", "save"],
  ["Ctrl + Enter", "done and next"],
  ["Wheel, Space + drag", "zoom, move"],
  ["Alt + click", "take the class under the pointer"],
  ["Enter, Escape", "close, drop a polygon"],
];

const LETTERS: Record<string, Action> = {
  b: { kind: "tool", tool: "brush" },
  e: { kind: "tool", tool: "erase" },
  l: { kind: "tool", tool: "lasso" },
  p: { kind: "tool", tool: "polygon" },
  f: { kind: "tool", tool: "fill" },
  a: { kind: "tool", tool: "accept" },
  d: { kind: "doubt" },
  x: { kind: "swap" },
  u: { kind: "only" },
  k: { kind: "lock" },
  o: { kind: "solo" },
  n: { kind: "next" },
  "[": { kind: "size", factor: 1 / 1.25 },
  "]": { kind: "size", factor: 1.25 },
  "-": { kind: "opacity", step: -0.1 },
  "=": { kind: "opacity", step: 0.1 },
  "?": { kind: "help" },
};

export interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** What a key does; null if it does nothing here. */
export function action(event: Pressed): Action | null {
  const letter = letterOf(event);
  if (event.ctrlKey || event.metaKey) {
    if (letter === "z") return { kind: event.shiftKey ? "redo" : "undo" };
    if (letter === "y") return { kind: "redo" };
    if (letter === "s") return { kind: "save" };
    if (letter === "a") return { kind: "accept-all" };
    return event.key === "Enter" ? { kind: "done" } : null;
  }
  if (event.altKey) return null;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  if (digit) return { kind: "class", index: ((Number(digit[1]) + 9) % 10) + (event.shiftKey ? 10 : 0) };
  if (letter === "a" && event.shiftKey) return { kind: "accept-class" };
  return LETTERS[letter] ?? BY_PLACE[event.code] ?? null;
}

/** Keys whose signs need other keys on many keyboards. */
const BY_PLACE: Record<string, Action> = {
  BracketLeft: LETTERS["["],
  BracketRight: LETTERS["]"],
  Minus: LETTERS["-"],
  Equal: LETTERS["="],
};

/** The letter that a key writes, or, on a keyboard of another script, the one that stands in its place. */
function letterOf(event: Pressed): string {
  const key = event.key.toLowerCase();
  if (/^[a-z]$/.test(key) || !/^\p{L}$/u.test(key)) return key;
  return /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase() ?? key;
}
