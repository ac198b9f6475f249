// Photos from the person's disk to the pool, a few at a time.

import { bytes, Problem, said, type Schemas } from "../api/client";

const AT_ONCE = 4;
const ARCHIVE = /\.(zip|tar|tar\.gz|tgz)$/i;

export interface Found {
  /** The path below what was dropped. */
  name: string;
  file: File;
}

export interface Sent {
  added: number;
  known: number;
  /** `deep`: it has more than 8 bits per channel, and could be stretched. */
  refused: { name: string; reason: string; deep: File | null }[];
  /** Folders of label maps in archives. */
  leftOut: { folder: string; files: number }[];
}

/** Every file of what was dropped, folders with all that is in them. Hidden files are left out. */
export async function dropped(transfer: DataTransfer): Promise<Found[]> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  const found: Found[] = [];
  for (const entry of entries) await gather(entry, "", found);
  return found;
}

async function gather(entry: FileSystemEntry, folder: string, found: Found[]): Promise<void> {
  if (entry.name.startsWith(".") || entry.name === "__MACOSX") return;
  const name = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ name, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return;
    for (const inner of part) await gather(inner, `${name}/`, found);
  }
}

export function chosen(files: FileList): Found[] {
  return [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** Send photos, and archives of photos; `progress` is called after each. A refused file does not stop others. */
export async function send(
  pool: string,
  split: string,
  photos: Found[],
  progress: (done: number) => void,
): Promise<Sent> {
  const sent: Sent = { added: 0, known: 0, refused: [], leftOut: [] };
  const left = photos.values();
  let done = 0;
  const sender = async () => {
    for (const { name, file } of left) {
      try {
        await (ARCHIVE.test(name) ? archive(pool, file, sent) : photo(pool, split, name, file, sent));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const deep = error.slug === "unsupported-bit-depth" ? file : null;
        sent.refused.push({ name, reason: said(error), deep });
      }
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return sent;
}

async function photo(pool: string, split: string, name: string, file: File, sent: Sent): Promise<void> {
  const path = name.split("/").map(encodeURIComponent).join("/");
  const address = `pools/${pool}/images/${path}?split=${split}`;
  const answer = await bytes(address, { method: "PUT", body: file });
  if (answer.status === 201) sent.added++;
  else sent.known++;
}

/** The folders of an archive say which of its photos are for tests. */
async function archive(pool: string, file: File, sent: Sent): Promise<void> {
  const headers = { "Content-Type": "application/octet-stream" };
  const answer = await bytes(`pools/${pool}/images`, { method: "POST", body: file, headers });
  const upload = (await answer.json()) as Schemas["Upload"];
  sent.added += upload.accepted.length;
  sent.known += upload.unchanged;
  sent.refused.push(...upload.rejected.map(({ name, reason }) => ({ name, reason, deep: null })));
  sent.leftOut.push(...upload.left_out.map(({ folder, files }) => ({ folder, files })));
}
