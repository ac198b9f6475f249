// 16-bit photos as 8-bit ones, as `fewpairs upload --stretch` makes them.

import { decode, encode } from "fast-png";

const [LOW, HIGH] = [0.01, 0.99];

/** An 8-bit PNG of a 16-bit one: the values between two percentiles are spread over 0…255. Null: it is none. */
export async function stretched(file: File): Promise<File | null> {
  const photo = decode(new Uint8Array(await file.arrayBuffer()));
  if (photo.depth !== 16) return null;
  const values = photo.data as Uint16Array;
  const [black, white] = percentiles(values);
  const scale = 255 / Math.max(1, white - black);
  const data = Uint8Array.from(values, (value) =>
    Math.max(0, Math.min(255, Math.round((value - black) * scale))),
  );
  const { width, height, channels } = photo;
  const png = encode({ width, height, channels, data, depth: 8 });
  return new File([new Uint8Array(png)], file.name, { type: "image/png" });
}

function percentiles(values: Uint16Array): [number, number] {
  const counts = new Uint32Array(65536);
  for (const value of values) counts[value]!++;
  const at = (share: number) => {
    let left = share * (values.length - 1);
    return counts.findIndex((count) => (left -= count) < 0);
  };
  return [at(LOW), at(HIGH)];
}
