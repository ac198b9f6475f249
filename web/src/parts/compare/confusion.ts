// Which classes a model took for which.

interface Mixup {
  truth: number;
  predicted: number;
  /** Pixels, and their share of those of the true class. */
  count: number;
  share: number;
}

/** What was taken for something else; first what loses most of its class. */
export function mixups(pixels: readonly (readonly number[])[]): Mixup[] {
  return pixels
    .flatMap((row, truth) => {
      const sum = row.reduce((sum, count) => sum + count, 0);
      return row.map((count, predicted) => ({ truth, predicted, count, share: count / sum }));
    })
    .filter(({ truth, predicted, count }) => truth !== predicted && count > 0)
    .sort((a, b) => b.share - a.share);
}
