// Brings what was painted from this browser to the service: drafts every few seconds, and label maps that are
// finished. While the service does not answer they wait here, and are sent when it does; those of another pool,
// which has other classes, when somebody labels there.

import { Problem, said } from "../api/client";
import type { Claims } from "./claims";
import { type Classes, Conflict, keepDraft, save } from "./files";
import { drafted, type Entry, type Journal, painted, refused, stored, told } from "./journal/journal";

const SEND_EVERY_MS = 5000;
/** Refusals that say nothing of the label map: nobody is logged in, or the service has too much to do. */
const LATER = [401, 408, 429];

/** What became of a photo's map, as it was at the moment `at`. */
export type Outcome =
  | { kind: "stored"; at: number; revision: number }
  | { kind: "drafted"; at: number; etag: string }
  | { kind: "refused"; error: unknown; isFinal: boolean }
  | { kind: "unreachable" };

export class Outbox {
  /** How many photos have something that the service lacks. */
  waiting = $state(0);
  /** What the service refused, of photos of the pool. */
  refused = $state.raw<readonly Entry[]>([]);
  offline = $state(false);
  #last: Promise<unknown> = Promise.resolve();

  /** `told` hears what became of a photo's map. */
  constructor(
    private readonly pool: string,
    private readonly table: Classes,
    private readonly journal: Journal,
    private readonly claims: Claims,
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
    for (const { image } of await this.#waiting()) {
      await this.send(image);
      if (this.offline) break;
    }
    this.waiting = (await this.#waiting()).length;
  }

  /** Send one photo's map, after what is being sent already, unless another tab has the photo. */
  async send(image: string): Promise<void> {
    const sending = this.#last.then(() => this.#claimed(image));
    this.#last = sending.catch(() => {});
    await sending;
  }

  /** Everything that was to be sent until now is sent, or could not be. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** The person knows that a photo's map was refused; it stays in this browser. */
  async dismiss(image: string): Promise<void> {
    await this.journal.settle(image, told);
    await this.#waiting();
  }

  async #waiting(): Promise<Entry[]> {
    const entries = (await this.journal.entries()).filter(({ pool }) => pool === this.pool);
    this.refused = entries.filter(({ refusal }) => refusal);
    return entries.filter(({ waits }) => waits);
  }

  async #claimed(image: string): Promise<void> {
    if (this.claims.has(image)) return this.#send(image);
    if (!(await this.claims.take(image))) return;
    await this.#send(image).finally(() => this.claims.give(image));
  }

  async #send(image: string): Promise<void> {
    const found = await this.journal.kept(image);
    if (!found?.entry.waits) return;
    const { entry } = found;
    const map = { width: entry.width, height: entry.height, ids: painted(found) };
    try {
      if (entry.finished) {
        const revision = await save(image, map, entry, this.table);
        await this.journal.settle(image, stored(entry.at, revision));
        this.told(image, { kind: "stored", at: entry.at, revision });
      } else {
        const sent = await keepDraft(image, map, entry, this.table);
        await this.journal.settle(image, drafted(entry.at, sent));
        this.told(image, { kind: "drafted", at: entry.at, etag: sent });
      }
      this.offline = false;
    } catch (error) {
      await this.#failed(entry, error);
    }
  }

  /** What the service refuses is not sent again until it is painted on; what did not reach it is. */
  async #failed({ image, at }: Entry, error: unknown): Promise<void> {
    const isAnswered = error instanceof Conflict || (error instanceof Problem && error.status < 500);
    const isFinal = isAnswered && !(error instanceof Problem && LATER.includes(error.status));
    this.offline = !isAnswered;
    if (isFinal) await this.journal.settle(image, refused(at, said(error)));
    await this.#waiting();
    this.told(image, isAnswered ? { kind: "refused", error, isFinal } : { kind: "unreachable" });
  }
}
