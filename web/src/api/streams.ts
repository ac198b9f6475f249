// Server-sent events: what the service tells as it happens.

import { bytes, ended, HOME, type Job, Problem } from "./client";

const AGAIN_MS = 3000;
/** Refusals that asking again does not change. */
const FOR_GOOD: readonly number[] = [403, 404, 410];

/** A line of a training's history: its step, its losses, and its validation scores where it has any. */
export interface Metric {
  step: number;
  total: number;
  losses: Record<string, number>;
  validation?: Record<string, number | null>;
  steps_per_second?: number;
}

/** Is told that the connection is lost, with the reason if the service gave one, and null once it is back. */
type Lost = (why: string | null) => void;

/**
 * Follow the events of an address; the returned function stops that. A lost connection is taken up again: by the
 * browser, or from here if the service refused, after which browsers give up.
 */
export function streamed(
  path: string,
  told: Record<string, (data: unknown) => void>,
  lost: Lost,
): () => void {
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout>;
  let source: EventSource;

  function open() {
    source = new EventSource(new URL(path, HOME));
    source.onopen = () => lost(null);
    source.onerror = () => {
      lost("");
      if (source.readyState === EventSource.CLOSED) void refused();
    };
    for (const [name, tell] of Object.entries(told))
      source.addEventListener(name, (event) => tell(JSON.parse((event as MessageEvent<string>).data)));
  }

  /** Ask why, and then again. */
  async function refused() {
    const asking = new AbortController();
    try {
      await bytes(path, { signal: asking.signal });
    } catch (error) {
      if (error instanceof Problem && !isStopped) lost(error.message);
      if (error instanceof Problem && FOR_GOOD.includes(error.status)) return;
    } finally {
      asking.abort();
    }
    if (!isStopped) timer = setTimeout(open, AGAIN_MS);
  }

  open();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    source.close();
  };
}

/**
 * Follow the events of one name, by one connection for all tabs: a browser opens only about six to a server, and
 * every tab would hold one. When the tab that follows is closed, another one does. The returned function stops it.
 */
export function shared(path: string, name: string, told: (data: unknown) => void): () => void {
  const channel = new BroadcastChannel(path);
  const leaving = new AbortController();
  let stop = () => {};

  function follow(tell: (data: unknown) => void) {
    if (!leaving.signal.aborted) stop = streamed(path, { [name]: tell }, () => {});
  }

  if (navigator.locks) {
    channel.onmessage = ({ data }) => told(data);
    const isLeft = new Promise((done) => leaving.signal.addEventListener("abort", done));
    const followForAll = () => {
      follow((data) => {
        channel.postMessage(data);
        told(data);
      });
      return isLeft;
    };
    navigator.locks.request(path, { signal: leaving.signal }, followForAll).catch(() => {}); // it was left
  } else follow(told); // browsers have locks only with TLS or on this machine
  return () => {
    leaving.abort();
    stop();
    channel.close();
  };
}

/** Follow a job until it ends; the returned function stops that. */
export function followed(
  id: string,
  state: (job: Job) => void,
  metric: (line: Metric) => void = () => {},
  lost: Lost = () => {},
): () => void {
  let last = -1;
  const stop = streamed(
    `jobs/${id}/events`,
    {
      metric(data) {
        const line = data as Metric;
        if (line.step <= last) return; // told before the connection was lost
        last = line.step;
        metric(line);
      },
      state(data) {
        const job = data as Job;
        state(job);
        if (ended(job)) stop();
      },
    },
    lost,
  );
  return stop;
}
