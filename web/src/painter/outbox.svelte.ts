// Brings what was painted from this browser to the service: drafts every few seconds, and label maps that are
// finished. While the service does not answer they wait here, and are sent when it does; those of another pool,
// which has other classes, when somebody labels there.

import { Problem } from "../api/client";
import { type Classes, Conflict, keepDraft, save } from "./files";
import { type Entry, forget, kept, mark, painted, waiting } from "./journal";

const SEND_EVERY_MS = 5000;

/** What became of a photo's map, as it was at the moment `at`. */
export type Outcome =
  | { kind: "stored"; at: number; revision: number }
  | { kind: "drafted"; at: number; etag: string }
  | { kind: "refused"; error: unknown }
  | { kind: "unreachable" };

export class Outbox {
  /** How many photos have something that the service lacks. */
  waiting = $state(0);
  offline = $state(false);
  #last: Promise<unknown> = Promise.resolve();

  /** `told` hears what became of a photo's map. */
  constructor(
    private readonly pool: string,
    private readonly table: Classes,
    private readonly told: (image: string, outcome: Outcome) => void,
  ) {}

  /** Send what waits, again and again. The returned function ends that. */
  start(): () => void {
    const flush = () => void this.flush();
    const timer = setInterval(flush, SEND_EVERY_MS);
    addEventListener("online", flush);
    flush();
    return () => {
      clearInterval(timer);
      removeEventListener("online", flush);
    };
  }

  async flush(): Promise<void> {
    for (const { image } of await waiting(this.pool)) {
      await this.send(image);
      if (this.offline) break;
    }
    this.waiting = (await waiting(this.pool)).length;
  }

  /** Send one photo's map, after what is being sent already. */
  async send(image: string): Promise<void> {
    const sending = this.#last.then(() => this.#send(image));
    this.#last = sending.catch(() => {});
    await sending;
  }

  async #send(image: string): Promise<void> {
    const found = await kept(image);
    if (!found?.entry.waits) return;
    const { entry } = found;
    const map = { width: entry.width, height: entry.height, ids: painted(found) };
    try {
      if (entry.finished) {
        const revision = await save(image, map, entry, this.table);
        await forget(image, entry.at);
        this.told(image, { kind: "stored", at: entry.at, revision });
      } else {
        const sent = await keepDraft(image, map, entry, this.table);
        await mark(image, entry.at, sent);
        this.told(image, { kind: "drafted", at: entry.at, etag: sent });
      }
      this.offline = false;
    } catch (error) {
      await this.#refused(entry, error);
    }
  }

  /** What the service refuses is not sent again until it is painted on; what did not reach it is. */
  async #refused({ image, at }: Entry, error: unknown): Promise<void> {
    const isRefused = error instanceof Conflict || (error instanceof Problem && error.status < 500);
    this.offline = !isRefused;
    if (isRefused) await mark(image, at, null);
    this.told(image, isRefused ? { kind: "refused", error } : { kind: "unreachable" });
  }
}
