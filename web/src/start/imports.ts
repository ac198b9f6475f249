// What an import of label maps did, or would do.

import { counted, words } from "../words";

export const FORMATS = [
  ...(["png", "cvat", "label-studio", "coco", "coco-panoptic"] as const),
  ...(["labelme", "voc", "cityscapes", "supervisely"] as const),
];

export interface Result {
  dry_run: boolean;
  taken: number;
  replaced: number;
  unchanged: number;
  refused: number;
  file_count: number;
  files: { file: string; outcome: string; reason: string | null }[];
  unknown_labels: { label: string; pixels: number; color: number[] | null }[];
}

export function summed(result: Result): string {
  const { outcomes } = words.start;
  const parts = (["taken", "replaced", "unchanged", "refused"] as const)
    .filter((outcome) => result[outcome])
    .map((outcome) => `${result[outcome]} ${outcomes[outcome]}`);
  const all = `${counted(result.file_count, "label map")}: ${parts.join(", ")}`;
  return result.dry_run ? words.start.would(all) : `${all}.`;
}
