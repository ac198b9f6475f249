// All texts of the pages, so that other languages can be added.

const number = new Intl.NumberFormat("en");
const time = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number.format(count)} ${count === 1 ? one : many}`;
}

export function moment(date: string): string {
  return time.format(new Date(date));
}

export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toFixed(3);
}

export function lasting(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

export const words = {
  views: "Views of the pool",
  photos: "Photos",
  picks: "Picks",
  train: "Train",
  compare: "Compare",
  jobs: "Jobs",

  login: {
    title: "Log in",
    hint: "This service asks who you are. On the machine that it runs on, open the address that `fewpairs up` printed.",
    name: "Name",
    password: "Password",
    enter: "Log in",
  },
  start: {
    title: "Label ten photos. Translate thousands.",
    lead: "Drop the photos that you have. Fewpairs says which ten to label, and trains a model on them and on all the others.",
    pools: "Your pools",
    none: "There is no pool yet: a pool is a set of photos that have the same classes.",
    create: "New pool",
    name: "Name",
    classes: "Classes",
    own: "My own: one name per line",
    rgb: "None: pictures instead of classes (photo → map)",
    names: "Names of the classes, one per line",
    make: "Create the pool",
    counts: (images: number, labelled: number) =>
      `${counted(images, "photo")}, ${number.format(labelled)} labelled`,
  },
  photosPage: {
    drop: "Drop photos or a folder here",
    choose: "Choose photos",
    folder: "Choose a folder",
    sending: (done: number, all: number) => `Sending photo ${number.format(done)} of ${number.format(all)}`,
    sent: (added: number, known: number) =>
      `${counted(added, "photo")} added, ${number.format(known)} were here already.`,
    refused: (count: number) => `${counted(count, "file")} refused`,
    all: "All photos",
    train: "Split train",
    test: "Split test",
    labelled: "Labelled",
    unlabelled: "Not labelled",
    find: "Find by name",
    empty: "No photos yet. Drop some here: the test photos are asked for later.",
    nothing: "No photo is like this.",
    embedding: (done: number, all: number) =>
      `${number.format(done)} of ${number.format(all)} looked at by the encoder`,
    asTest: "These are test photos: only used to score models",
    exclude: "Leave out",
    include: "Take in again",
    remove: "Delete",
    moveTest: "Move to test",
    moveTrain: "Move to train",
    label: "Label it",
    close: "Close",
    undo: "Undo",
    deleted: (name: string) => `${name} was deleted.`,
    left: "left out",
  },
  picksPage: {
    title: "Which photos to label",
    budget: "How many",
    strategy: "How they are picked",
    ask: "Pick them",
    again: "Pick again",
    none: "Nothing is picked yet. Say how many photos you have time to label.",
    working: "Looking at all photos…",
    covers: (share: number, count: number, of: number) =>
      `${counted(count, "photo")} to label. ${Math.round(share * 100)} % of ${counted(of, "photo")} look like one of them.`,
    stands: (count: number) => `stands for ${counted(count, "photo")}`,
    alike: "photos that it stands for",
    label: "Label",
    done: "labelled",
    start: "Start labelling",
    map: "The pool as a map: every point is a photo, photos that look alike are near each other",
    curve: "How much of the pool more picks would cover",
  },
  label: {
    tools: "Tools",
    brush: "Brush",
    erase: "Eraser",
    lasso: "Lasso",
    polygon: "Polygon",
    fill: "Fill region",
    accept: "Accept region",
    size: "Size",
    opacity: "Opacity",
    distinct: "Distinct colours",
    only: "Only unlabelled",
    lock: "Lock",
    solo: "Show only",
    classes: "Classes",
    undo: "Undo",
    redo: "Redo",
    done: "Done and next",
    save: "Save",
    saved: "Saved",
    unsaved: "Not saved yet",
    saving: "Saving…",
    kept: "Kept in this browser",
    failed: (why: string) => `Not saved: ${why}`,
    left: (pixels: number, regions: number) =>
      `${number.format(pixels)} px unlabelled in ${counted(regions, "region")}`,
    all: "Every pixel is labelled",
    next: "Next unlabelled region",
    slivers: "Fill slivers",
    help: "Keys",
    queue: "To label",
    nothing: "All picked photos are labelled.",
    conflict: "Somebody else saved a label map of this photo meanwhile.",
    mine: "Keep mine",
    theirs: "Take theirs",
    prefill: "Suggest by a model",
    acceptAll: "Accept all",
    acceptClass: "Accept the class",
    doubt: "Next doubtful place",
    discard: "Drop the suggestion",
    prefilling: "The model draws…",
    rgb: "The label maps of this pool are pictures, which cannot be painted here: upload them with `fewpairs annotate`.",
  },
  trainPage: {
    title: "Train a model",
    advised: "What we advise",
    expected: (score: string, minutes: string) =>
      `On photos like those it was measured on, this gives a mean IoU of about ${score} in ${minutes}.`,
    start: "Train",
    method: "Method",
    advisedMethod: "as advised",
    recipe: "Size and length",
    none: "Label at least one photo first.",
    running: "Training",
    finish: "Finish now and keep the model",
    cancel: "Cancel",
    score: "Scores on the test photos",
    left: (seconds: string) => `about ${seconds} left`,
    losses: "Losses over the steps",
    open: "Compare it",
    earlier: "Trainings",
    pairs: (pairs: number, photos: number) =>
      `Learns from ${counted(pairs, "pair")} and ${counted(photos, "photo")} without a label map.`,
    missing: (names: string) => `No pair shows ${names}: the model cannot learn what it never sees.`,
  },
  comparePage: {
    title: "Compare models",
    none: "There is no model yet.",
    evaluate: "Score it on the test photos",
    scoring: "Scoring…",
    model: "Model",
    second: "Beside it",
    nobody: "nothing",
    photo: "Photo",
    truth: "Label map",
    worst: "Photos, the worst first",
    perClass: "Classes",
    iou: "IoU",
    accuracy: "Accuracy",
    pixels: "Pixels",
    files: "Files",
    fix: "Change its label map",
    hold: "Hold B to blink between both models.",
    own: "Try a photo of your own",
  },
  jobsPage: {
    title: "Jobs",
    none: "Nothing was ever asked of the workers.",
    kind: "Kind",
    state: "State",
    progress: "Progress",
    created: "Created",
    took: "Took",
    cancel: "Cancel",
  },
};
