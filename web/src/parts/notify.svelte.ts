// What has ended: told on the page, and to somebody who looks elsewhere by a notification and the tab's title.

import type { Job } from "../api/client";
import { go } from "../router.svelte";
import { remind, type Reminder } from "./reminders.svelte";

/** `changed`: the job of the open pool that was told of last. `heard`: the training or evaluation of it that ended
 * last. `unseen`: what ended while the tab was hidden. */
interface News {
  changed: Job | null;
  heard: Job | null;
  unseen: string;
}

export const news = $state<News>({ changed: null, heard: null, unseen: "" });

addEventListener("visibilitychange", () => {
  if (!document.hidden) news.unseen = "";
});

export function canAsk(): boolean {
  return "Notification" in window && Notification.permission === "default";
}

/** Ask to be allowed notifications; browsers want a click for it. */
export async function ask(): Promise<void> {
  if (canAsk()) await Notification.requestPermission();
}

export function tell(reminder: Reminder): void {
  remind(reminder);
  if (!document.hidden) return;
  news.unseen = reminder.text;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(reminder.text, { tag: reminder.address }); // one for all tabs
  shown.onclick = () => {
    window.focus();
    go(reminder.address);
    shown.close();
  };
}
