import { expect, test } from "vitest";

import { action, assignable, assigned, FIRST_KEYS, type Pressed } from "./keys";

const key = (key: string, code: string, held: Partial<Pressed> = {}): Pressed => ({
  ...{ key, code, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false },
  ...held,
});
const command = (command: string) => ({ kind: "command", command });

test("digits choose classes on every keyboard, also where they are written with Shift", () => {
  expect(action(key("1", "Digit1"))).toEqual({ kind: "class", index: 0 });
  expect(action(key("&", "Digit1"))).toEqual({ kind: "class", index: 0 }); // AZERTY
  expect(action(key("0", "Digit0"))).toEqual({ kind: "class", index: 9 });
  expect(action(key("!", "Digit1", { shiftKey: true }))).toEqual({ kind: "class", index: 10 });
  expect(action(key("3", "Numpad3"))).toEqual({ kind: "class", index: 2 });
});

test("letters are told by what they write, and by their place on keyboards of other scripts", () => {
  const undo = { kind: "undo" };
  expect(action(key("z", "KeyY", { ctrlKey: true }))).toEqual(undo); // QWERTZ
  expect(action(key("z", "KeyW", { ctrlKey: true }))).toEqual(undo); // AZERTY
  expect(action(key("я", "KeyZ", { ctrlKey: true }))).toEqual(undo); // Cyrillic
  expect(action(key("и", "KeyB"))).toEqual(command("brush"));
  expect(action(key("a", "KeyQ"))).toEqual(command("accept")); // AZERTY
  expect(action(key("ü", "BracketLeft"))).toEqual(command("smaller")); // QWERTZ
});

test("a key with Control or Alt does not do what it does alone", () => {
  expect(action(key("b", "KeyB", { ctrlKey: true }))).toBeNull();
  expect(action(key("b", "KeyB", { altKey: true }))).toBeNull();
  expect(action(key("Enter", "Enter", { ctrlKey: true }))).toEqual({ kind: "done" });
});

test("every command has a key of its own, and a command that takes another's key gives its own away", () => {
  expect(new Set(Object.values(FIRST_KEYS)).size).toBe(Object.keys(FIRST_KEYS).length);
  const keys = assigned(FIRST_KEYS, "brush", "e");
  expect(action(key("e", "KeyE"), keys)).toEqual(command("brush"));
  expect(action(key("b", "KeyB"), keys)).toEqual(command("erase"));
  expect(new Set(Object.values(keys)).size).toBe(Object.keys(keys).length);
});

test("digits, Space and keys that are held with others keep their meaning", () => {
  expect(assignable(key("m", "KeyM"))).toBe("m");
  expect(assignable(key("ь", "KeyM"))).toBe("m");
  expect(assignable(key("1", "Digit1"))).toBeNull();
  expect(assignable(key(" ", "Space"))).toBeNull();
  expect(assignable(key("m", "KeyM", { ctrlKey: true }))).toBeNull();
  expect(assignable(key("Enter", "Enter"))).toBeNull();
});
