// Runs tasks of the painter in a thread of their own.

import { TASKS } from "./tasks";

type Task = (...values: unknown[]) => unknown;

addEventListener(
  "message",
  (event: MessageEvent<{ id: number; name: keyof typeof TASKS; values: unknown[] }>) => {
    const { id, name, values } = event.data;
    void (async () => {
      try {
        postMessage({ id, result: await (TASKS[name] as Task)(...values) });
      } catch (error) {
        postMessage({ id, error: error instanceof Error ? error.message : String(error) });
      }
    })();
  },
);
