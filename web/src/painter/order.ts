// The order in which photos are labelled.

export interface Pick {
  image_id: string;
  name: string;
}

/** Both lists one after the other, each photo once. */
export function joined(first: readonly Pick[], then: readonly Pick[]): Pick[] {
  return [...new Map([...first, ...then].map((pick) => [pick.image_id, pick])).values()];
}

/** The next free photo after the current one; after the last one come those before it. */
export function following(
  picks: readonly Pick[],
  current: string | undefined,
  isFree: (image: string) => boolean,
): Pick | undefined {
  const at = picks.findIndex(({ image_id }) => image_id === current) + 1;
  return [...picks.slice(at), ...picks.slice(0, at)].find(
    ({ image_id }) => image_id !== current && isFree(image_id),
  );
}
