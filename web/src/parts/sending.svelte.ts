// The upload of a page: how far it is, and what became of it.

import { type Destination, type Found, send, type Sent, type Split } from "./upload";

export class Sending {
  now = $state.raw<{ done: number; all: number } | null>(null);
  outcome = $state.raw<Sent | null>(null);
  /** What the photos are that archives made test photos: they may become train photos. */
  testsAre = $state<Split>("test");

  /** `again`: the photos are some of those before, whose outcome is told anew. */
  async run(to: Destination, photos: Found[], again = false): Promise<Sent> {
    const before = again ? this.outcome : null;
    this.now = { done: 0, all: photos.length };
    this.outcome = null;
    const sent = await send(to, photos, (done) => (this.now = { done, all: photos.length }));
    this.now = null;
    if (sent.testsOfArchives.length) this.testsAre = "test";
    this.outcome = before ? joined(before, photos, sent) : sent;
    return this.outcome;
  }

  /** Send nothing now of what waits for an answer. When it is sent, it is asked about anew. */
  cancel(): void {
    if (!this.outcome) return;
    for (const photo of this.outcome.left) delete photo.split;
    this.outcome = { ...this.outcome, tests: [] };
  }

  /** Tell no more of what became of it. */
  close(): void {
    this.outcome = null;
  }

  get isWhole(): boolean {
    const { outcome } = this;
    if (!outcome) return true;
    return [outcome.left, outcome.refused, outcome.leftOut, outcome.testsOfArchives].every(
      (files) => files.length === 0,
    );
  }
}

function joined(before: Sent, photos: Found[], now: Sent): Sent {
  const told = new Set(photos.map(({ name }) => name));
  return {
    ...now,
    added: before.added + now.added,
    addedTests: before.addedTests + now.addedTests,
    known: before.known + now.known,
    copies: [...before.copies, ...now.copies],
    refused: [...before.refused.filter(({ name }) => !told.has(name)), ...now.refused],
    testsOfArchives: [...before.testsOfArchives, ...now.testsOfArchives],
    leftOut: [...before.leftOut, ...now.leftOut],
  };
}
