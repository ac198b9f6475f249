// One tab at a time paints a photo, or sends what was painted on it: two would mix their strokes.

/** What this tab has claimed or is about to: each ends when the photo is given back. */
const ofTab = new Map<string, Promise<void>>();

export class Claims {
  #mine = new Map<string, () => void>();
  #channel: BroadcastChannel;

  /** `wanted` is called when a person wants to paint a photo in another of their tabs. */
  constructor(
    private readonly user: string,
    wanted: (image: string) => void,
  ) {
    this.#channel = new BroadcastChannel(`fewpairs-${user}`);
    this.#channel.onmessage = ({ data }: MessageEvent<string>) => wanted(data);
  }

  has(image: string): boolean {
    return this.#mine.has(image);
  }

  /**
   * Claim a photo. False if another tab has it; with `asks`, that tab is asked for it, and gives it back.
   * Browsers have locks for pages that come by HTTPS or from this machine; elsewhere every claim is granted.
   */
  async take(image: string, asks = false): Promise<boolean> {
    const name = `fewpairs-${this.user}-${image}`;
    while (ofTab.has(name)) await ofTab.get(name);
    if (asks) this.#channel.postMessage(image);
    const isTaken = await new Promise<boolean>((resolve) => {
      const held = (lock: unknown) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise<void>((end) => this.#mine.set(image, end));
      };
      const claimed = navigator.locks
        ? navigator.locks.request(name, { ifAvailable: !asks }, held)
        : Promise.resolve(held(true));
      ofTab.set(
        name,
        claimed.then(() => void ofTab.delete(name)),
      );
    });
    return isTaken;
  }

  give(image: string): void {
    this.#mine.get(image)?.();
    this.#mine.delete(image);
  }

  /** Hear of no other tab any more. */
  end(): void {
    this.#channel.close();
  }
}
