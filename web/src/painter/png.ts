// Label maps as PNG files. They are never read through <img>: colour management changes class indices.

import { decode } from "fast-png";

import { words } from "../words";
import type { Rgb } from "./colours";
import type { LabelMap } from "./label-map";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PALETTE_OF_BYTES = [8, 3, 0, 0, 0]; // bit depth, colour type, compression, filter, no interlace
const CRC = new Uint32Array(256).map((_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/**
 * Write an 8-bit palette PNG: the bytes are the class indices, the palette shows the classes' colours, and
 * unlabelled pixels are transparent. So it has one meaning, also where the class table gives ids of its own.
 */
export async function encoded(map: LabelMap, colours: readonly Rgb[], unlabelled: number): Promise<Blob> {
  const { width, height } = map;
  const rows = new Uint8Array((width + 1) * height); // a filter byte, 0, before every row
  for (let row = 0; row < height; row++) {
    rows.set(map.ids.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  const header = new Uint8Array([...uint32(width), ...uint32(height), ...PALETTE_OF_BYTES]);
  const palette = new Uint8Array(256 * 3);
  colours.forEach((colour, id) => palette.set(colour, id * 3));
  const opacity = new Uint8Array(unlabelled + 1).fill(255);
  opacity[unlabelled] = 0;
  const deflated = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(deflated).arrayBuffer());
  const parts = [
    chunk("IHDR", header),
    chunk("PLTE", palette),
    chunk("tRNS", opacity),
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array()),
  ];
  return new Blob([new Uint8Array(SIGNATURE), ...parts], { type: "image/png" });
}

function chunk(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(data.length + 4);
  body.set(new TextEncoder().encode(name));
  body.set(data, 4);
  const whole = new Uint8Array(body.length + 8);
  whole.set(uint32(data.length));
  whole.set(body, 4);
  whole.set(uint32(crc(body)), body.length + 4);
  return whole;
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function uint32(value: number): [number, number, number, number] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** Read a grey or palette PNG of at most 8 bits as class indices. Throws an Error for any other file. */
export function decoded(bytes: ArrayBuffer): LabelMap {
  const { width, height, data, depth, channels } = decode(bytes);
  if (channels !== 1 || depth > 8) throw new Error(words.label.noIndices);
  return { width, height, ids: unpacked(data as Uint8Array, width, height, depth) };
}

/** One byte per pixel, from rows of 1, 2, 4 or 8 bits per pixel. */
function unpacked(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  if (depth === 8) return new Uint8Array(data);
  const ids = new Uint8Array(width * height);
  const stride = Math.ceil((width * depth) / 8);
  const mask = 2 ** depth - 1;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = column * depth;
      ids[row * width + column] = (data[row * stride + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return ids;
}
