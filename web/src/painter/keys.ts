// Which key does what. Digits are told by their place on the keyboard, letters by what they write.

export const TOOLS = [
  ...(["brush", "erase", "lasso", "polygon", "fill"] as const),
  ...(["superpixel", "trace", "wand", "accept"] as const),
];
export type Tool = (typeof TOOLS)[number];

/** What keys do that may be given to others, each with the key that it has at first. */
export const FIRST_KEYS = {
  brush: "b",
  erase: "e",
  lasso: "l",
  polygon: "p",
  fill: "f",
  superpixel: "s",
  trace: "t",
  wand: "w",
  accept: "a",
  swap: "x",
  classes: "c",
  only: "u",
  replace: "r",
  lock: "k",
  solo: "o",
  hide: "v",
  outlines: "h",
  next: "n",
  doubt: "d",
  whole: "z",
  skip: "j",
  smaller: "[",
  larger: "]",
  fainter: "-",
  stronger: "=",
  help: "?",
} as const;

export type Command = keyof typeof FIRST_KEYS;
export type Keys = Readonly<Record<Command, string>>;

export type Action =
  | { kind: "class"; index: number }
  | { kind: "command"; command: Command }
  | { kind: "undo" | "redo" | "save" | "done" | "accept-class" | "accept-all" };

export interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** Keys whose signs need other keys on many keyboards. */
const BY_PLACE: Record<string, string> = { BracketLeft: "[", BracketRight: "]", Minus: "-", Equal: "=" };

/** What a key does; null if it does nothing here. */
export function action(event: Pressed, keys: Keys = FIRST_KEYS): Action | null {
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
  const command = commandOf(keys, letter) ?? commandOf(keys, BY_PLACE[event.code]);
  if (!command) return null;
  return command === "accept" && event.shiftKey ? { kind: "accept-class" } : { kind: "command", command };
}

function commandOf(keys: Keys, key: string | undefined): Command | undefined {
  return (Object.keys(keys) as Command[]).find((command) => keys[command] === key);
}

/** The key to give to a command; null for keys that have a fixed meaning. */
export function assignable(event: Pressed): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(?:Digit|Numpad)\d$/.test(event.code)) return null;
  const letter = letterOf(event);
  return letter.length === 1 && letter !== " " ? letter : null;
}

/** The keys after a command got another one; the command that had this one gets the other's. */
export function assigned(keys: Keys, command: Command, key: string): Keys {
  const other = commandOf(keys, key);
  return { ...keys, ...(other ? { [other]: keys[command] } : {}), [command]: key };
}

/** The letter that a key writes, or, on a keyboard of another script, the one that stands in its place. */
function letterOf(event: Pressed): string {
  const key = event.key.toLowerCase();
  if (/^[a-z]$/.test(key) || !/^\p{L}$/u.test(key)) return key;
  return /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase() ?? key;
}
