// What is in a zip, by the directory at its end: its files are not read.

const [END, ENTRY] = [0x06054b50, 0x02014b50];
const [END_BYTES, ENTRY_BYTES, LONGEST_COMMENT] = [22, 46, 65_535];

/** The names of the files in a zip; null: it is none, or has more than a directory of the usual kind can hold. */
export async function namesIn(zip: Blob): Promise<string[] | null> {
  const tail = await viewOf(zip.slice(-END_BYTES - LONGEST_COMMENT));
  for (let at = tail.byteLength - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END) continue;
    const [count, size, start] = [
      tail.getUint16(at + 10, true),
      tail.getUint32(at + 12, true),
      tail.getUint32(at + 16, true),
    ];
    return listed(await viewOf(zip.slice(start, start + size)), count);
  }
  return null;
}

function listed(directory: DataView, count: number): string[] | null {
  const names: string[] = [];
  for (let at = 0; names.length < count;) {
    if (at + ENTRY_BYTES > directory.byteLength || directory.getUint32(at, true) !== ENTRY) return null;
    const [name, extra, comment] = [28, 30, 32].map((place) => directory.getUint16(at + place, true));
    names.push(new TextDecoder().decode(new Uint8Array(directory.buffer, at + ENTRY_BYTES, name)));
    at += ENTRY_BYTES + name! + extra! + comment!;
  }
  return names;
}

async function viewOf(part: Blob): Promise<DataView> {
  return new DataView(await part.arrayBuffer());
}
