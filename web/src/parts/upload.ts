// Photos from the person's disk to the pool, a few at a time.

import { bytes, Problem, said } from "../api/client";

const AT_ONCE = 4;

export interface Found {
  /** The path below what was dropped. */
  name: string;
  file: File;
}

export interface Sent {
  added: number;
  known: number;
  refused: { name: string; reason: string }[];
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

/** Send photos; `progress` is called after each. A refused file does not stop the others. */
export async function send(
  pool: string,
  split: string,
  photos: Found[],
  progress: (done: number) => void,
): Promise<Sent> {
  const sent: Sent = { added: 0, known: 0, refused: [] };
  const left = photos.values();
  let done = 0;
  const sender = async () => {
    for (const { name, file } of left) {
      try {
        const path = name.split("/").map(encodeURIComponent).join("/");
        const answer = await bytes(`pools/${pool}/images/${path}?split=${split}`, {
          method: "PUT",
          body: file,
        });
        if (answer.status === 201) sent.added++;
        else sent.known++;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        sent.refused.push({ name, reason: said(error) });
      }
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return sent;
}
