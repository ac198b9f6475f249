// Orders of jobs: however often somebody clicks, and whatever the network loses, an order makes one job.

import { Problem } from "./problem";

interface Header {
  "idempotency-key": string;
}

/** Sends the orders of one place of a page, one at a time. */
export class Orders {
  /** Whether an answer is awaited. */
  busy = $state(false);
  /** An order that was sent and not answered: the service may have it or not. */
  #open: { what: string; key: string } | null = null;

  /** Send an order, with a key that an equal order before it has if that was not answered. Undefined: it was
   * not sent, because another one is on its way. */
  async send<Made>(what: unknown, ask: (header: Header) => Promise<Made>): Promise<Made | undefined> {
    if (this.busy) return;
    const text = JSON.stringify(what);
    if (this.#open?.what !== text) this.#open = { what: text, key: token() };
    this.busy = true;
    try {
      const made = await ask({ "idempotency-key": this.#open.key });
      this.#open = null;
      return made;
    } catch (error) {
      if (error instanceof Problem && error.status < 500) this.#open = null;
      throw error;
    } finally {
      this.busy = false;
    }
  }
}

function token(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
