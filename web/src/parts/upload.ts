// Photos from the person's disk to the pool, a few at a time. What the pool has is not sent again.

import { api, asked, bytes, type Image, Problem, said, type Schemas } from "../api/client";
import { words } from "../words";
import { each } from "./each";

export type Split = "train" | "test";

const ARCHIVE = /\.(zip|tar|tar\.gz|tgz)$/i;
const JUNK = /(^|\/)(\.|__macosx\/|@eadir\/|thumbs\.db$|desktop\.ini$)/i;
/** Statuses that are about one file; any other stops the upload. */
const ABOUT_ONE_FILE = [400, 409, 413, 415, 422];

export const isArchive = (name: string) => ARCHIVE.test(name);
/** Whether a path is one of the files that systems leave in folders and archives. */
export const isJunk = (path: string) => JUNK.test(path);

export interface Found {
  /** The path below what was dropped. */
  name: string;
  file: File;
  /** Where it goes, once that is known. */
  split?: Split;
}

export interface Refused {
  name: string;
  reason: string;
  /** The kind of the problem. */
  slug: string;
  /** What was sent; null: it was in an archive. */
  photo: Found | null;
}

export interface Sent {
  added: number;
  /** How many of those are test photos because of what was sent, not because of an archive's folders. */
  addedTests: number;
  known: number;
  /** Of those that were added: what has the bytes of another photo of the pool, and of which. */
  copies: { name: string; of: string }[];
  refused: Refused[];
  /** The photos of `left` that would become test photos, by the names of their folders. */
  tests: Found[];
  /** The photos of archives that became test photos, by the names of their folders. */
  testsOfArchives: Image[];
  /** Folders of label maps, which were not sent. */
  leftOut: { folder: string; files: number }[];
  /** Why the upload stopped before its end; empty: it did not. */
  stopped: string;
  /** What was not sent because of that, or because it is not known yet whether `tests` are. */
  left: Found[];
}

export interface Destination {
  pool: string;
  /** Null: as the folders of the photos say; photos to test with wait until that is agreed to. */
  split: Split | null;
  /** Also send what looks like a label map. */
  labelMaps?: boolean;
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
  const name = folder + entry.name.normalize();
  if (isJunk(entry.isFile ? name : `${name}/`)) return;
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
  return [...files]
    .map((file) => ({ name: (file.webkitRelativePath || file.name).normalize(), file }))
    .filter(({ name }) => !isJunk(name));
}

/**
 * Send photos, and archives of photos; `progress` is called with how many are done. A refused file does not stop
 * others. If the service does not answer, all senders stop, and `left` holds what is to be sent again: also if
 * folders say that some are test photos, before any is sent.
 */
export async function send(
  to: Destination,
  photos: Found[],
  progress: (done: number) => void,
): Promise<Sent> {
  const sent: Sent = {
    added: 0,
    addedTests: 0,
    known: 0,
    copies: [],
    refused: [],
    tests: [],
    testsOfArchives: [],
    leftOut: [],
    stopped: "",
    left: [],
  };
  const waiting = new Set(photos);
  const finish = (photo: Found) => {
    waiting.delete(photo);
    progress(photos.length - waiting.size);
  };
  try {
    const unknown = photos.filter(({ split }) => split === undefined);
    const lacking = new Set(await planned(to, photos, sent));
    photos.filter((photo) => !lacking.has(photo)).forEach(finish);
    sent.tests = to.split ? [] : unknown.filter((photo) => photo.split === "test" && lacking.has(photo));
    await each(sent.tests.length ? [] : lacking, async (photo) => {
      try {
        await (isArchive(photo.name) ? archive : single)(to, photo, sent);
      } catch (error) {
        const refused = await refusal(error, photo);
        if (!refused) throw error;
        sent.refused.push(refused);
      }
      finish(photo);
    });
  } catch (error) {
    sent.stopped = said(error);
  }
  sent.left = [...waiting];
  return sent;
}

/** The archives and photos to send: not those in folders of label maps, nor those that the pool has. */
async function planned(to: Destination, photos: Found[], sent: Sent): Promise<Found[]> {
  const singles = photos.filter(({ name }) => !isArchive(name));
  if (singles.length === 0) return photos;
  const digests = await digestsOf(to, singles);
  const files = singles.map(({ name }, n) => ({ name, sha256: digests?.[n] ?? null }));
  const params = { path: { pool_id: to.pool } };
  const body = { split: to.split, files };
  const plan = await asked(api.POST("/pools/{pool_id}/missing", { params, body }));
  const isTest = new Set(plan.test);
  for (const photo of singles) photo.split ??= to.split ?? (isTest.has(photo.name) ? "test" : "train");
  const out = to.labelMaps ? [] : plan.left_out;
  sent.leftOut.push(...out.map(({ folder, files }) => ({ folder, files })));
  const toSend = new Set([...plan.missing, ...plan.conflicts]);
  const isOut = ({ name }: Found) => plan.left_out.some(({ folder }) => name.startsWith(`${folder}/`));
  const isLacking = (photo: Found) =>
    isOut(photo) ? to.labelMaps === true : digests === null || toSend.has(photo.name);
  const lacking = new Set(singles.filter(isLacking));
  sent.known += singles.filter((photo) => !lacking.has(photo) && !isOut(photo)).length;
  return photos.filter((photo) => lacking.has(photo) || isArchive(photo.name));
}

/** The SHA-256 of photos, if the pool may have some of them; null: browsers compute none on such a page. */
async function digestsOf(to: Destination, photos: Found[]): Promise<(string | null)[] | null> {
  const params = { path: { pool_id: to.pool } };
  const { counts } = await asked(api.GET("/pools/{pool_id}", { params }));
  if (counts.images + counts.excluded === 0) return photos.map(() => null);
  if (!("subtle" in crypto)) return null;
  const digests: (string | null)[] = [];
  for (const { file } of photos) digests.push(await sha256(file));
  return digests;
}

/** Null: the file cannot be read; sending it tells why. */
async function sha256(file: File): Promise<string | null> {
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null;
  }
}

/** What was wrong with this photo; null: something else was wrong. */
export async function refusal(error: unknown, photo: Found): Promise<Refused | null> {
  const { name, file } = photo;
  if (error instanceof Problem)
    return ABOUT_ONE_FILE.includes(error.status)
      ? { name, reason: said(error), slug: error.slug, photo }
      : null;
  const isReadable = await file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
  return isReadable ? null : { name, reason: words.photosPage.unreadable, slug: "unreadable", photo };
}

async function single(to: Destination, photo: Found, sent: Sent): Promise<void> {
  const path = photo.name.split("/").map(encodeURIComponent).join("/");
  const query = `split=${photo.split}&allow_label_maps=${to.labelMaps ?? false}`;
  const init = { method: "PUT", body: photo.file };
  const answer = await bytes(`pools/${to.pool}/images/${path}?${query}`, init);
  if (answer.status !== 201) {
    sent.known++;
    return;
  }
  const { name, copy_of } = (await answer.json()) as Schemas["Uploaded"];
  if (copy_of) sent.copies.push({ name, of: copy_of });
  sent.added++;
  if (photo.split === "test") sent.addedTests++;
}

async function archive(to: Destination, { file }: Found, sent: Sent): Promise<void> {
  const headers = { "Content-Type": "application/octet-stream" };
  const query = to.split ? `?split=${to.split}` : "";
  const init = { method: "POST", body: file, headers };
  const upload = (await (await bytes(`pools/${to.pool}/images${query}`, init)).json()) as Schemas["Upload"];
  sent.added += upload.accepted.length;
  sent.known += upload.unchanged;
  for (const { name, copy_of } of upload.accepted) if (copy_of) sent.copies.push({ name, of: copy_of });
  if (to.split === "test") sent.addedTests += upload.accepted.length;
  if (!to.split) sent.testsOfArchives.push(...upload.accepted.filter(({ split }) => split === "test"));
  sent.refused.push(
    ...upload.rejected.map(({ name, reason, type }) => ({ name, reason, slug: type, photo: null })),
  );
  sent.leftOut.push(...upload.left_out.map(({ folder, files }) => ({ folder, files })));
}
