// Files in one zip, which is made in the browser.

import { Zip, ZipPassThrough } from "fflate";

const [MOST_FILES, MOST_BYTES] = [65_000, 4e9]; // a zip of 16-bit counts and 32-bit sizes

/** Where the translation of each photo goes: `a.png` for `a.jpg`, but `a.jpg.png` where several would. */
export function targets(photos: readonly string[]): string[] {
  const short = photos.map((name) => `${name.replace(/\.[^./]*$/, "")}.png`);
  const counts = new Map<string, number>();
  for (const name of short) counts.set(name, (counts.get(name) ?? 0) + 1);
  return photos.map((name, n) => (counts.get(short[n]!) === 1 ? short[n]! : `${name}.png`));
}

/** A zip of files that are compressed already, as PNGs are. */
export class Packed {
  count = 0;
  #bytes = 0;
  #parts: BlobPart[] = [];
  #zip = new Zip((_, part) => this.#parts.push(part as Uint8Array<ArrayBuffer>));

  get isFull(): boolean {
    return this.count >= MOST_FILES || this.#bytes >= MOST_BYTES;
  }

  add(name: string, content: Uint8Array): void {
    const file = new ZipPassThrough(name);
    this.#zip.add(file);
    file.push(content, true);
    this.count++;
    this.#bytes += content.length;
  }

  whole(): Blob {
    this.#zip.end();
    return new Blob(this.#parts, { type: "application/zip" });
  }
}
