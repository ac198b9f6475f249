// One photo while it is labelled: its label map, what can be undone, and what became of it.

import { type Image, said } from "../api/client";
import { words } from "../words";
import type { Ready } from "./ahead";
import { inBackground } from "./background";
import { Claims } from "./claims";
import { type Classes, Conflict, type Draft, draftOf, open, type Opened } from "./files";
import type { Kept } from "./journal/journal";
import { journalOf, type Lasting } from "./journal/lasting.svelte";
import type { Facts } from "./journal/recorder";
import { type Box, counts, type LabelMap, merged } from "./label-map";
import { accept, type Layer } from "./layer";
import { Outbox, type Outcome } from "./outbox.svelte";
import { Picture } from "./picture.svelte";
import { resumed } from "./resumed";
import type { Point } from "./shapes";
import { Sheet } from "./sheet";
import { Suggestion } from "./suggestion.svelte";
import { Survey } from "./survey.svelte";

const PAUSE_MS = 15_000;
/** A photo that is ended with less of it labelled is rather a slip than a choice: it is half a stroke. */
const FEW = 0.01;
const NOT_READY = Promise.resolve(null);

/** What can be tidied. */
export type Cleaning = "slivers" | "islands" | "borders";

/** `kept`: in this browser; `drafted`: the service has it as a draft; `saving`: it is to be the annotation. */
export type Status = "clean" | "kept" | "drafted" | "saving" | "offline" | "failed";

export class Session {
  image = $state.raw<Image | null>(null);
  photo = $state.raw<ImageBitmap | null>(null);
  sheet = $state.raw<Sheet | null>(null);
  revision = $state<number | null>(null);
  status = $state<Status>("clean");
  failure = $state("");
  conflict = $state.raw<Conflict | null>(null);
  /** Another tab of this person paints the photo: here it is only shown. */
  isElsewhere = $state(false);
  /** Another draft of the photo: older than the one that is shown, and not part of it. */
  other = $state.raw<LabelMap | null>(null);
  picture = $state.raw<Picture | null>(null);
  steps = $state({ undo: false, redo: false });
  /** The share that is labelled, if the photo was to be ended with so little of it; ended again, it is. */
  few = $state<number | null>(null);
  readonly journal: Lasting;
  readonly outbox: Outbox;
  readonly survey: Survey;
  /** It is seen where the map is unlabelled. */
  readonly suggestion: Suggestion;
  /** Draws a part of the label map again; the painter sets it. */
  draw: (part: Box | null) => void = () => {};

  readonly #claims: Claims;
  #id = "";
  #visit = 0;
  #jumps = 0;
  #sent: string | null = null;
  #finished = false;
  #refusal: string | null = null;
  #saving: Promise<void> | null = null;
  /** How long the person has worked on the photo since its last revision, and when they did something last. */
  #seconds = 0;
  #lastAct = 0;

  /**
   * `ended` is told when the service stored or refused what was painted on a photo; `taught` are the classes
   * that label maps of train photos show.
   */
  constructor(
    user: string,
    pool: string,
    private readonly table: Classes,
    private readonly ended: (image: string, isStored: boolean) => void,
    taught: () => ReadonlySet<number>,
  ) {
    this.survey = new Survey(table.ignore);
    this.suggestion = new Suggestion(table, taught);
    this.journal = journalOf(user);
    this.#claims = new Claims(user, (image) => void this.#giveWay(image));
    this.outbox = new Outbox(pool, table, this.journal, this.#claims, (image, outcome) =>
      this.#became(image, outcome),
    );
  }

  get map(): LabelMap | null {
    return this.sheet?.map ?? null;
  }

  get layer(): Layer | null {
    return this.suggestion.layer;
  }

  /** Open a photo, `ready` or not; with `asks`, another tab that paints it gives it to this one. */
  async open(id: string, asks = false, ready: Promise<Ready | null> = NOT_READY): Promise<void> {
    void this.#leave();
    const visit = this.#visit;
    this.#id = id;
    this.isElsewhere &&= asks;
    this.suggestion.left();
    try {
      const isMine = await this.#claims.take(id, asks);
      if (visit !== this.#visit) return this.#claims.give(id);
      const read = (ready: Promise<Ready | null>) =>
        Promise.all([open(id, ready), draftOf(id), this.journal.kept(id)]);
      let [found, draft, local] = await read(ready);
      if (isMine && local?.entry.waits) {
        found.photo.close();
        await this.outbox.send(id); // now it may be the next revision
        [found, draft, local] = await read(NOT_READY);
      }
      if (visit === this.#visit) this.#show(found, draft, local ?? null, isMine);
      else found.photo.close();
    } catch (error) {
      if (visit === this.#visit) this.failure = said(error);
    }
    void this.outbox.flush();
  }

  /** Leave the photo, and hear of no other tab any more. */
  async close(): Promise<void> {
    this.suggestion.stop();
    await this.#leave();
    await this.outbox.flush();
    this.#claims.end();
  }

  async #leave(): Promise<void> {
    const [id, sheet] = [this.#id, this.sheet];
    this.#visit++;
    this.photo?.close();
    [this.image, this.photo, this.sheet, this.picture] = [null, null, null, null];
    [this.other, this.conflict, this.failure, this.few, this.#id] = [null, null, "", null, ""];
    await this.#givenBack(id, sheet);
  }

  async #givenBack(id: string, sheet: Sheet | null): Promise<void> {
    await sheet?.close();
    await this.outbox.settled();
    this.#claims.give(id);
  }

  /** Another tab wants to paint the photo. */
  async #giveWay(image: string): Promise<void> {
    if (image !== this.#id || !this.#claims.has(image)) return;
    this.isElsewhere = true;
    this.suggestion.stop();
    await this.#givenBack(image, this.sheet);
  }

  #show(found: Opened, draft: Draft | null, local: Kept | null, isMine: boolean): void {
    const { image, file, photo } = found;
    const work = resumed(found, draft, local, this.table.ignore, Date.now());
    this.other = work.other;
    this.#sent = draft?.etag ?? null;
    [this.#seconds, this.#finished, this.#jumps] = [work.seconds, false, 0];
    this.#refusal = work.kept?.entry.refusal ?? null;
    this.revision = work.revision;
    this.status = work.kept ? "kept" : work.draft ? "drafted" : "clean";
    const facts = (): Facts => ({
      ...{ image: image.id, pool: image.pool_id, name: image.name, revision: this.revision },
      ...{ seconds: this.#seconds, sent: this.#sent, finished: this.#finished, refusal: this.#refusal },
    });
    this.sheet = new Sheet(work.map, work.kept, this.journal, facts, (part, isWhole) =>
      this.#changed(part, isWhole),
    );
    this.isElsewhere = this.sheet.isClosed = !isMine;
    [this.image, this.photo, this.picture] = [image, photo, new Picture(file, image)];
    if (isMine && this.#refusal) {
      const isOther = image.annotation_revision !== work.revision;
      if (isOther) this.#differ(new Conflict(found.map, image.annotation_revision));
      else this.failure = this.#refusal;
    }
    this.#tell();
    this.survey.opened(work.map);
    this.suggestion.opened(image, isMine ? work.map : null);
  }

  /** The person did something now. */
  acted(): void {
    const now = performance.now();
    if (now - this.#lastAct < PAUSE_MS) this.#seconds += (now - this.#lastAct) / 1000;
    this.#lastAct = now;
  }

  holds({ x, y }: Point): boolean {
    return this.map !== null && x >= 0 && y >= 0 && x < this.map.width && y < this.map.height;
  }

  step(way: "undo" | "redo"): void {
    this.sheet?.step(way);
  }

  suggest(source: string): void {
    if (this.map && !this.sheet?.isClosed) this.suggestion.choose(source, this.map);
  }

  /** Finished photos may show more classes now. */
  retaught(): void {
    if (this.map && !this.sheet?.isClosed) this.suggestion.retaught(this.map);
  }

  /** Take over the suggested pixels of a class, or, with null, all. */
  accept(id: number | null): void {
    const { layer } = this;
    if (layer) this.sheet?.edit((map) => accept(map, layer, id, this.table.ignore));
  }

  /**
   * Tidy the map: `slivers` and `islands` of fewer than `smaller` pixels, unlabelled or of these classes, join
   * what is around them; `borders` of these classes become smooth.
   */
  async clean(what: Cleaning, classes: ReadonlySet<number>, smaller: number): Promise<void> {
    const [{ sheet }, { ignore }] = [this, this.table];
    if (!sheet) return;
    const change =
      what === "borders"
        ? await inBackground("smoothed", sheet.map, ignore, classes)
        : await inBackground(
            "absorbed",
            sheet.map,
            ignore,
            smaller,
            what === "slivers" ? new Set([ignore]) : classes,
          );
    sheet.edit((map) => merged(map, change));
  }

  /** The next place that is unlabelled, or where the suggestion is least sure; null if there is none. */
  async next(what: "unlabelled" | "doubt"): Promise<Box | null> {
    const { map, layer } = this;
    if (!map) return null;
    if (what === "unlabelled") return this.survey.next(map);
    if (!layer?.doubt) return null;
    const places = await inBackground("doubtful", map, layer, this.table.ignore);
    return places.length ? places[this.#jumps++ % places.length] : null;
  }

  /** Store the label map as the image's annotation, after a save that is under way. Returns whether it is stored. */
  async save(): Promise<boolean> {
    const visit = this.#visit;
    while (this.#saving) await this.#saving;
    if (visit !== this.#visit || !this.sheet || this.sheet.isClosed) return false;
    if (this.status === "clean") return true;
    this.#saving = this.#save(this.sheet).finally(() => (this.#saving = null));
    await this.#saving;
    return visit === this.#visit && (this.status as Status) === "clean"; // it was another one before
  }

  /**
   * Have the label map stored once another photo is shown: the browser keeps it until it is. Returns whether this
   * one can be left.
   */
  async finish(): Promise<boolean> {
    const visit = this.#visit;
    while (this.#saving) await this.#saving;
    if (visit === this.#visit && this.#isSlip()) return false;
    const isToBeSaved =
      this.conflict || this.outbox.offline || !this.journal.lasts || this.status === "clean";
    if (isToBeSaved || visit !== this.#visit || !this.sheet || this.sheet.isClosed) return this.save();
    await this.#keepFinished(this.sheet);
    return visit === this.#visit;
  }

  /** Whether so little is labelled that it has to be asked first; a photo without any label cannot be ended. */
  #isSlip(): boolean {
    const { map } = this;
    if (!map || this.sheet?.isClosed) return false;
    const share = 1 - counts(map)[this.table.ignore] / map.ids.length;
    if (share >= FEW || (share && (this.few || this.status === "clean"))) return false;
    this.few = share;
    return true;
  }

  async #save(sheet: Sheet): Promise<void> {
    const id = this.#id;
    await this.#keepFinished(sheet);
    await this.outbox.send(id);
  }

  async #keepFinished(sheet: Sheet): Promise<void> {
    sheet.end();
    this.status = "saving";
    this.#finished = true;
    await sheet.recorder.keep();
  }

  /** Keep what was painted in this browser, now. */
  keep(): void {
    if (this.sheet?.recorder.pends) void this.sheet.recorder.keep();
  }

  #became(image: string, outcome: Outcome): void {
    if (outcome.kind === "stored") this.ended(image, true);
    else if (outcome.kind === "refused" && outcome.isFinal) this.ended(image, false);
    const recorder = this.sheet?.recorder;
    if (image !== this.image?.id || !recorder) return;
    const isNewest = "at" in outcome && outcome.at === recorder.at && !recorder.pends;
    if (outcome.kind === "drafted") {
      this.#sent = outcome.etag;
      if (isNewest && this.status !== "saving") this.status = "drafted";
    } else if (outcome.kind === "stored") {
      [this.revision, this.#sent, this.#seconds, this.#finished] = [outcome.revision, null, 0, false];
      [this.failure, this.#refusal] = ["", null];
      this.status = isNewest ? "clean" : "kept";
      if (!isNewest) recorder.soon();
    } else if (outcome.kind === "unreachable") {
      this.status = "offline";
    } else {
      if (this.#finished) this.#refusal = said(outcome.error);
      this.#finished = false;
      this.status = "failed";
      this.failure = said(outcome.error);
      if (outcome.error instanceof Conflict) this.#differ(outcome.error);
    }
  }

  #differ(conflict: Conflict): void {
    this.conflict = conflict;
    this.failure = conflict.theirs ? words.label.conflict : words.label.withdrawn;
  }

  /** Somebody else saved meanwhile: go on with this map, or with theirs. */
  resolve(by: LabelMap | null): void {
    if (!this.conflict || !this.sheet) return;
    this.revision = this.conflict.revision;
    [this.conflict, this.failure, this.#refusal, this.status] = [null, "", null, "kept"];
    this.sheet.recorder.soon();
    if (by) this.sheet.replace(by);
  }

  /** Go on with the other draft; that can be undone. */
  takeOther(): void {
    if (this.other) this.sheet?.replace(this.other);
    this.other = null;
  }

  /** A part of the map is another one now, by a change that is whole, or by a stroke that goes on. */
  #changed(part: Box, isWhole: boolean): void {
    this.draw(part);
    this.few = null;
    this.#finished = false;
    this.status = "kept";
    if (!isWhole || !this.map) return;
    this.#tell();
    this.survey.soon(this.map);
    this.suggestion.stroked(this.map);
  }

  #tell(): void {
    this.steps = this.sheet?.steps ?? { undo: false, redo: false };
  }
}
