// How the person paints, kept in this browser.

const PLACE = "fewpairs.painting";

export interface Habits {
  only: boolean;
  opacity: number;
  /** The diameter of the brush, as a share of the photo's longer side. */
  brush: number;
  outlines: boolean;
}

const FIRST: Habits = { only: false, opacity: 0.6, brush: 1 / 50, outlines: false };

export function habits(): Habits {
  try {
    return { ...FIRST, ...(JSON.parse(localStorage.getItem(PLACE) ?? "{}") as Partial<Habits>) };
  } catch {
    return FIRST;
  }
}

export function keepHabits(habits: Habits): void {
  try {
    localStorage.setItem(PLACE, JSON.stringify(habits));
  } catch {
    // This browser keeps nothing.
  }
}
