// The address says what is shown; back, forward and reload work.

import { HOME } from "./api/client";

export type View = "photos" | "picks" | "label" | "train" | "compare" | "members";
export const VIEWS: readonly View[] = ["photos", "picks", "label", "train", "compare", "members"];

/** Pages that belong to no pool. */
export type Hall = "jobs" | "keys" | "people" | "audit" | "settings" | "doctor" | "login";
const HALLS: readonly Hall[] = ["jobs", "keys", "people", "audit", "settings", "doctor", "login"];

export interface Place {
  page: "start" | Hall | View;
  pool: string;
  /** What is shown of the pool: the image, job or models that the address names. */
  rest: string[];
  query: URLSearchParams;
}

export function parsed(href: string): Place {
  const url = new URL(href);
  const words = url.pathname
    .slice(new URL(HOME).pathname.length)
    .split("/")
    .filter(Boolean)
    .map(decodeURIComponent);
  const query = url.searchParams;
  const [app, noun, pool = "", view = "photos", ...rest] = words;
  if (app !== "app" || noun === undefined) return { page: "start", pool: "", rest: [], query };
  if (noun === "pools" && pool && VIEWS.includes(view as View))
    return { page: view as View, pool, rest, query };
  const hall = HALLS.find((each) => each === noun);
  if (hall) return { page: hall, pool: "", rest: [], query };
  return { page: "start", pool: "", rest: [], query };
}

export const router = $state({ place: parsed(location.href) });

/** The address of what is shown. */
let shown = location.href;
let stays: (() => boolean) | null = null;

/** Before another place is shown, `asked` says whether this one stays. The returned function ends that. */
export function holdPlace(asked: () => boolean): () => void {
  stays = asked;
  return () => (stays = null);
}

/** `address` is relative to the service: `app/pools/ID/picks`. */
export function go(address: string, replace = false): void {
  if (stays?.()) return;
  const url = new URL(address, HOME);
  history[replace ? "replaceState" : "pushState"](null, "", url);
  router.place = parsed((shown = url.href));
}

export function poolAddress(pool: string, view: View, ...rest: string[]): string {
  return ["app", "pools", pool, view, ...rest.map(encodeURIComponent)].join("/");
}

/**
 * Where photos are labelled one after the other: the first `budget` picks of a `selection`; without it of the
 * newest one, or, with `split=test`, the test photos.
 */
export function labelAddress(
  pool: string,
  query: URLSearchParams | Record<string, string> = {},
  image?: string,
): string {
  const address = poolAddress(pool, "label", ...(image ? [image] : []));
  const asked = new URLSearchParams(query);
  return asked.size ? `${address}?${asked}` : address;
}

/** The same page with another value in its query; without it if the value is empty. */
export function filter(name: string, value: string): void {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  go(url.href, true);
}

addEventListener("popstate", () => {
  if (stays?.()) history.pushState(null, "", shown);
  else router.place = parsed((shown = location.href));
});

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest("a");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || link.target || link.hasAttribute("download")) return;
  if (link.href !== HOME && !link.href.startsWith(`${HOME}app`)) return;
  event.preventDefault();
  go(link.href);
});
