// Gets what the next photo needs while this one is labelled.

import type { Send } from "./suggestions";

/** So many pixels of a decoded photo are kept: 64 MB. */
const MOST_PIXELS = 16e6;

interface Bitmap {
  close(): void;
}

/** A decoded photo, and the file that it was decoded from, with its ETag. */
export interface Ready<Photo extends Bitmap = ImageBitmap> {
  etag: string;
  file: Blob;
  photo: Photo;
}

/** What cannot be got now is got when it is needed. */
export class Ahead<Photo extends Bitmap = ImageBitmap> {
  readonly #sent = new Set<string>();
  #next: { image: string; ready: Promise<Ready<Photo> | null> } | null = null;
  #asking = new AbortController();

  constructor(
    private readonly send: Send,
    private readonly decode: (file: Blob) => Promise<Photo>,
  ) {}

  /** The photo comes into the browser's cache and, unless it is very large, is decoded. */
  photo(image: string): void {
    if (this.#next?.image === image) return;
    this.drop();
    this.#next = { image, ready: this.#got(image).catch(() => null) };
  }

  /** The service keeps the features that suggestions for the photo are made of. */
  features(image: string): void {
    if (this.#sent.has(image)) return;
    this.#sent.add(image);
    void this.send(`images/${image}/suggestion`, { method: "POST", signal: this.#asking.signal })
      .then((answer) => answer.arrayBuffer())
      .catch(() => {});
  }

  /**
   * The photo is opened: now a question with its strokes takes the place of that for its features. Gives its
   * decoded photo away.
   */
  async opened(image: string): Promise<Ready<Photo> | null> {
    this.#asking.abort();
    this.#asking = new AbortController();
    if (this.#next?.image !== image) return null;
    const { ready } = this.#next;
    this.#next = null;
    return ready;
  }

  drop(): void {
    void this.#next?.ready.then((ready) => ready?.photo.close());
    this.#next = null;
  }

  async #got(image: string): Promise<Ready<Photo> | null> {
    const [about, content] = await Promise.all([
      this.send(`images/${image}`).then(
        (answer) => answer.json() as Promise<{ width: number; height: number }>,
      ),
      this.send(`images/${image}/content`),
    ]);
    const [file, etag] = [await content.blob(), content.headers.get("ETag")];
    if (!etag || about.width * about.height > MOST_PIXELS) return null;
    return { etag, file, photo: await this.decode(file) };
  }
}
