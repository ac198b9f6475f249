// Which photo a picture belongs to, for pools whose label maps are pictures.

import type { Image } from "../api/client";

/** The photo with the name of a picture, whatever its ending; of several, the one whose folders agree most. */
export function photoOf(picture: string, photos: ReadonlyMap<string, Image[]>): Image | null {
  const folders = foldersOf(picture);
  const agreeing = (image: Image) => {
    const own = foldersOf(image.name);
    const differs = own.findIndex((folder, n) => folder !== folders[n]);
    return differs < 0 ? own.length : differs;
  };
  const [best, next] = [...(photos.get(stem(picture)) ?? [])].sort((a, b) => agreeing(b) - agreeing(a));
  return best && (!next || agreeing(best) > agreeing(next)) ? best : null;
}

/** Photos by their names without folders and endings. */
export function byStem(photos: readonly Image[]): ReadonlyMap<string, Image[]> {
  const found = new Map<string, Image[]>();
  for (const photo of photos) found.set(stem(photo.name), [...(found.get(stem(photo.name)) ?? []), photo]);
  return found;
}

function stem(path: string): string {
  return path
    .split("/")
    .at(-1)!
    .replace(/\.[^.]*$/, "")
    .toLowerCase();
}

/** The folders of a path, the innermost first. */
function foldersOf(path: string): string[] {
  return path.split("/").slice(0, -1).reverse();
}
