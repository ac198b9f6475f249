// Texts of the pages about trainings and models.

import type { Job } from "../api/client";
import { counted, lasting, many } from "./numbers";

export const modelWords = {
  news: {
    see: "See it",
    ended: {
      train: (pool: string, well: boolean) =>
        well ? `A model of ${pool} is trained.` : `A training of ${pool} has failed.`,
      evaluate: (pool: string, well: boolean) =>
        well ? `A model of ${pool} is scored.` : `The scoring of a model of ${pool} has failed.`,
    },
  },
  next: {
    say: "Next:",
    pick: "pick photos to label",
    label: (left: number) => `label ${counted(left, "photo")} for a first model`,
    train: "train a model",
    score: "score the newest model",
    trainAgain: "train with the new pairs",
    choose: "choose test photos, which score models",
    choosing: "select some photos and move them to test, or add others as test photos",
    test: "label test photos",
    more: "see what to label next",
  },
  work: {
    training: (of: string) => `a training (${of})`,
    scoring: "the scoring of a model",
    more: (count: number) => ` and ${counted(count, "other job")}`,
    waits: (what: string) => `It waits for ${what}.`,
    ahead: (what: string) =>
      `Running now: ${what}. A new training starts after that, unless another worker is free.`,
    elsewhere: " in another pool",
    see: "See what it does",
    worker: "a worker",
  },
  terms: {
    ask: "What these words mean",
    picks: {
      pick: "A photo that Fewpairs says you should label.",
      selection: "All picks that were made at once, the most useful first. Picking again makes another one.",
      "visual words":
        "Small parts of photos, sorted by what they look like: each kind of part, such as a piece of road, is a visual word.",
    },
    both: {
      pair: "A photo and its label map: the model learns from pairs what it is to make of a photo.",
      IoU: "How much two areas cover each other, from 0 (nowhere) to 1 (everywhere): what the model draws as a class, and what the label map says. The mean IoU is the mean over the classes that the label maps have.",
      "the paper":
        "Extremely Weak Supervised Image-to-Image Translation for Semantic Segmentation: Fewpairs began with it. It picks by k-medoids and trains by hybrid.",
    },
    models: {
      accuracy: "Of the pixels of a class in the label maps, the share that the model draws as this class.",
      probe:
        "A method that takes a network that has learned from millions of other photos, leaves it as it is, and learns only which class belongs to what that network sees. It takes seconds.",
      finetune: "A method that begins like probe, and then trains that network as well. It takes longer.",
      hybrid:
        "The paper's method: it learns from pairs, and from photos and label maps that belong to no pair, by networks that judge whether a picture looks real (a GAN).",
      pix2pix: "A GAN that learns from pairs alone.",
      cyclegan:
        "A GAN that learns from photos and label maps without pairs: there and back has to be the same.",
      tripathy: "A GAN that learns from pairs first, and then from photos and label maps without pairs.",
      fcn8s: "A network that learns from pairs alone to say the class of each pixel, without a GAN.",
      "tiny, small, paper":
        "How large a training is. tiny: small pictures, small networks and few steps, for a computer without a GPU; small: more of each, for a GPU; paper: as in the paper, for a GPU and hours.",
      step: "The model sees one picture, or a few, and is changed a little.",
      loss: "A number that says how wrong the model is, in a way that the training counts; a training makes it smaller.",
    },
  },
  cancel: {
    ask: "Cancel",
    title: "Cancel this training?",
    lost: (done: number, total: number) =>
      `What it has learned in ${many(done)} of ${counted(total, "step")} is lost: no model is made. To end it with the model that it has now, finish it instead.`,
    cancel: "Cancel the training",
    finish: "Finish now and keep the model",
    leave: "Let it train",
  },
  trainPage: {
    title: "Train a model",
    learns: "What it will learn from",
    pairs: (pairs: number) => counted(pairs, "pair") + " of a photo and its label map",
    photos: (photos: number) => counted(photos, "photo") + " without a label map",
    pairsAlone: (method: string) => `${method} learns from pairs alone.`,
    noPairs: (method: string) =>
      `${method} does not use pairs as pairs: it learns from photos and from label maps.`,
    fromPairs: (maps: number) => `${counted(maps, "label map")} of the pairs, also without their photos`,
    unpaired: (maps: number, source: string) => `${counted(maps, "unpaired label map")} from ${source}`,
    shares: "Share of the pixels that are labelled in train photos",
    maps: (maps: number) => counted(maps, "label map"),
    never: (names: string) =>
      `No label map of a train photo shows ${names}: a model cannot learn what it never sees.`,
    untested: "No test photo is labelled: nobody will know how good the model is.",
    which: "Which training",
    advised: "What we advise",
    preview: "A quick look",
    paper: "The paper's method",
    other: "Another one",
    expected: (minutes: string) => `There it took ${minutes} on two CPU cores that did nothing else.`,
    here: (time: string) => `On this server: about ${time}.`,
    slow: (recipe: string) => `The size ${recipe} is made for a GPU: without one it can take days.`,
    measured:
      "What to expect was measured on CamVid, a public set of street photos: on your photos it may be better or worse.",
    unmeasured: "Nobody has measured how long this takes; the training says so shortly after its start.",
    start: "Train",
    method: "Method",
    recipe: "Size and length",
    none: "Label at least one photo first.",
    curator: "A curator of this pool can order trainings.",
    running: "Training",
    starting: "It starts: it reads the photos, and makes its first steps.",
    finishing: "After the step that it is at, the model is written, and samples of it are drawn.",
    ending: "All steps are made: the model is written, and samples of it are drawn.",
    again: "Try it again",
    goOn: "Go on from this model",
    goesOn: {
      title: "Train another model from this one?",
      say: (steps: number, made: number, took: string) =>
        `A new training of ${counted(steps, "step")} begins with the weights of this model, which stays as it is. The ${counted(made, "step")} of this one took ${took}.`,
      leave: "Leave it",
    },
    tell: "Tell me when it ends",
    lost: "The service tells nothing new now. It is asked again every few seconds.",
    score: "Score while it trains, on a sample of the test photos",
    left: (seconds: string) => `about ${seconds} left`,
    longer: "longer than estimated",
    estimate: (seconds: string) =>
      `About ${seconds} in all, if the machine stays as busy as it was at its start.`,
    scoreOn: (photos: number) =>
      `Score it on ${photos === 1 ? "the test photo" : `all ${counted(photos, "test photo")}`}`,
    losses: "Losses over the steps",
    loss: "loss: lower is better",
    constant: "After its first step, its losses hardly change:",
    meanIou: "mean IoU",
    parts: {
      loss: "wrong classes",
      cross_entropy: "wrong classes",
      consistency: "other classes when the photo is changed a little",
      G: "all that the translator gets wrong",
      G_gan: "does not look real",
      G_conditional: "does not look like a real pair",
      G_cycle: "is not the same there and back",
      G_identity: "changes what is right already",
      G_l1: "differs from the label map",
      G_cross_entropy: "wrong classes",
      D_X: "judge of photos",
      D_Y: "judge of label maps",
      D_C: "judge of photos with label maps",
      D_D: "judge of label maps with photos",
    } as Record<string, string>,
    samples: "What it makes of photos",
    step: (step: number) => `step ${many(step)}`,
    end: "at the end",
    log: "Log",
    open: "Compare it",
    earlier: "Trainings",
    columns: ["Ordered", "Method", "Learned from", "State", "Took"],
    missing: (names: string) =>
      `No label map showed ${names} when this training was ordered: a model that is trained now can learn it.`,
  },
  comparePage: {
    title: "Compare models",
    none: "There is no model yet.",
    evaluate: (model: string, photos: number) => `Score ${model} on ${counted(photos, "test photo")}`,
    scoring: { queued: "Waits…", running: "Scoring…" },
    trains: { running: "A model is being trained:", queued: "A model will be trained:" },
    seeTraining: "See the training",
    scoreAgain: (model: string) => `Score ${model} again`,
    changed: (model: string) =>
      `The test photos have changed since ${model} was scored: other photos, or other label maps.`,
    incomparable:
      "A and B were scored on different test photos or label maps, so their scores cannot be compared. Score them again first.",
    few: (scored: number) =>
      `Only ${counted(scored, "test photo")} ${scored === 1 ? "is" : "are"} scored: with so few the scores are uncertain.`,
    zoom: (share: number) => `Zoom ${many(Math.round(share * 100))} %`,
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    fit: "Fit",
    wheel: "Ctrl + wheel zooms",
    loading: "The scores and pictures are being loaded…",
    sample: "What it makes of a photo",
    notScored: "This photo is not one of those that model A was scored on.",
    showWorst: "Show the worst one",
    model: "Model A",
    second: "Model B",
    nobody: "nothing",
    photo: "Photo",
    truth: "Label map",
    errors: "Show where it is wrong",
    wrong: (pixels: number, share: string) => `${many(pixels)} px wrong (${share})`,
    isWrong: "Wrong",
    uncounted: "Unlabelled, does not count",
    photos: "Photos",
    worst: "the worst first",
    change: "the biggest difference first",
    perClass: "Classes",
    absent: (count: number, counted: string) =>
      `${count === 1 ? "One class does" : `${count} classes do`} not occur in these label maps and ${count === 1 ? "is" : "are"} left out of the mean: IoU 0.000 where the model draws such a class all the same, – where it does not. Counted as 0, as in the paper, it is ${counted}.`,
    iou: "IoU",
    difference: "A − B",
    better: (model: string, by: string) => `${model} is better: its mean IoU is higher by ${by}.`,
    alike: "Both are about as good: one training, done twice, may differ by as much.",
    sign: "In A − B, + means that A is better.",
    accuracy: "Accuracy",
    accuracyA: "Accuracy A",
    pixels: "Pixels",
    confusion: "What was taken for what",
    confused: (truth: string, predicted: string) => `${truth} taken for ${predicted}`,
    truthRow: "Label map, by row; prediction, by column",
    noConfusion: "This evaluation has not counted it: score the model again.",
    rounds: "Round by round",
    notDrawn: (models: number) =>
      `${counted(models, "model")} ${models === 1 ? "is" : "are"} left out: scored on other test photos or label maps. Score them again to compare them.`,
    byLabels: "Mean IoU over the number of label maps",
    byTime: "Mean IoU over the time of labelling",
    labels: "label maps",
    time: "time of labelling",
    files: "Files",
    uses: {
      "photo_to_label.onnx": "the model, for programs that run ONNX",
      "photo_to_label.safetensors": "its weights, for PyTorch",
      "label_to_photo.safetensors": "weights of the way back, from label maps to photos",
      "model.onnx": "the model as it was imported",
      "spec.json": "its classes, and how it was trained",
      "samples.png": "what it made of photos at the end of its training",
    } as Record<string, string>,
    maps: "Label maps of the test photos (PNG)",
    packing: "Packing…",
    fix: "Change its label map",
    next: "Label one like it next",
    noNext: "All photos that look like this one are labelled.",
    hold: "Hold B to blink between both models.",
    own: "Try a photo of your own",
    ownHint: "It is not added to the pool, and forgotten when this page is loaded anew.",
    choose: "Choose a photo",
    translating: "The models look at it…",
    folder: "Translate a folder",
    folderHint:
      "Of each photo the model makes a PNG of the same name; all of them are saved as one zip. The photos are not added to the pool.",
    translated: (done: number, all: number) => `${many(done)} of ${counted(all, "photo")} translated`,
    stop: "Stop and save what is made",
    isArchive: "It is an archive: unpack it, and choose the folder.",
    packed: (count: number) => `${counted(count, "PNG")} saved in a zip.`,
    untranslated: (count: number) => `${counted(count, "photo")} not translated yet.`,
    translateRest: "Translate the rest",
    keys: {
      b: "hold: the picture of model B",
      e: "where the model is wrong",
      zoom: "zoom",
      fit: "the whole picture",
      pan: "move the picture",
      walk: "the photo before, the next photo",
    },
  },
  jobsPage: {
    title: "Jobs",
    none: "No job is like this.",
    kind: "Kind",
    state: "State",
    pool: "Pool",
    any: "all",
    progress: "Progress",
    created: "Created",
    took: "Took",
    finish: "Finish now",
    retry: "Try again",
    get: { export: "Get the zip", import: "Get the report" },
    files: { export: "export.zip", import: "report.json" },
    kinds: {
      ...{ train: "training", evaluate: "scoring", select: "selection of photos" },
      ...{ embed: "indexing of new photos", explain: "coverage of picks", replay: "repeated selection" },
      ...{ search: "search by photo", project: "map of photos", translate: "translation of a photo" },
      ...{ suggest: "suggestion for a photo", import: "import of label maps", export: "export" },
      ...{ scenes: "drawn scenes", pack: "archive of a pool", delete: "removal" },
      ...{ deliver: "message to a webhook", doctor: "check of the server" },
    } satisfies Record<Job["kind"], string>,
    states: {
      ...{ queued: "queued", running: "running" },
      ...{ succeeded: "succeeded", failed: "failed", cancelled: "cancelled" },
    } satisfies Record<Job["state"], string>,
    early: (done: number, all: number) => `finished early after step ${many(done)} of ${many(all)}`,
    attempt: (attempt: number, most: number) => `attempt ${attempt} of ${most}`,
    more: "Show more",
    search: "Search",
    searched: "Method, pool or error",
    finishing: "finishing",
    writing: "writing the model",
    order: "Order",
    newest: "newest first",
    sorts: { added: "oldest first", kind: "by kind", state: "by state" },
    shown: (shown: number, total: number) =>
      (shown < total ? `${many(shown)} of ` : "") + counted(total, "job"),
  },
};

export function stateOf({ kind, state, progress: { done, total }, finish_requested }: Job): string {
  const text = modelWords.jobsPage;
  if (kind === "train" && state === "succeeded" && done < total) return text.early(done, total);
  if (kind !== "train" || state !== "running") return text.states[state];
  if (total && done >= total) return text.writing;
  return finish_requested ? text.finishing : text.states.running;
}

/**
 * What a training that runs does, or how long its steps take from now on. `speed` is in steps per second, and
 * `waited` in seconds since its last step was told.
 */
export function phaseOf(
  { progress: { done, total }, finish_requested }: Job,
  speed: number | undefined,
  waited: number,
): string {
  const text = modelWords.trainPage;
  if (total && done >= total) return text.ending;
  if (finish_requested) return text.finishing;
  if (!done) return text.starting;
  if (!speed) return "";
  const left = (total - done) / speed - waited;
  return left > 0 ? text.left(lasting(left)) : text.longer;
}

/** The method and the size of a training. */
export function trained({ training }: Job): string {
  return training ? `${training.method} · ${training.recipe}` : "";
}

/** What somebody in this pool waits for who waits for these trainings and scorings; without any, for a worker. */
export function awaited([first, ...others]: readonly Job[], pool: string): string {
  const text = modelWords.work;
  if (!first) return text.worker;
  const what = first.kind === "train" ? text.training(trained(first)) : text.scoring;
  const where = first.pool_id === pool ? "" : text.elsewhere;
  return what + where + (others.length ? text.more(others.length) : "");
}
