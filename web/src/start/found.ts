// What is in a folder that was dropped, by the names of its files.

import { isArchive, isJunk, type Found } from "../parts/upload";
import { counted, words } from "../words";
import { namesIn } from "./zips";

const PHOTO = /\.(jpe?g|png|webp|avif|tiff?|bmp)$/i;

/** A sentence; empty if nothing was dropped. */
export async function described(found: Found[]): Promise<string> {
  if (found.length === 0) return "";
  const { start } = words;
  const archives = found.filter(({ name }) => isArchive(name));
  const photos = found.filter(({ name }) => PHOTO.test(name)).length;
  const others = found.length - archives.length - photos;
  const inside = await Promise.all(archives.map(({ file }) => photosIn(file)));
  const known = inside.includes(null) ? null : inside.reduce((sum: number, count) => sum + count!, 0);
  const parts = [
    ...(photos ? [counted(photos, "photo")] : []),
    ...(archives.length ? [start.archives(archives.length, known)] : []),
    ...(others ? [start.others(others)] : []),
  ];
  return start.found(parts.join(", "));
}

/** How many photos an archive has; null if only who unpacks it knows. */
async function photosIn(archive: File): Promise<number | null> {
  const names = await namesIn(archive).catch(() => null);
  return names && names.filter((name) => PHOTO.test(name) && !isJunk(name)).length;
}
