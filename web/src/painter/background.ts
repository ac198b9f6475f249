// Asks the worker of the painter for things.

import type { TASKS } from "./tasks";

type Tasks = typeof TASKS;
type Answer = { id: number; result?: unknown; error?: string };
type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void };

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, Waiting>();

function started(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL("./background.worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
    const asker = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) asker?.resolve(data.result);
    else asker?.reject(new Error(data.error));
  });
  return worker;
}

/** Have a task done, after those that were asked for before. Its values are copied. */
export function inBackground<Name extends keyof Tasks>(
  name: Name,
  ...values: Parameters<Tasks[Name]>
): Promise<Awaited<ReturnType<Tasks[Name]>>> {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
    started().postMessage({ id, name, values });
  });
}
