// Tells that something has ended to somebody who looks elsewhere: a notification, or else the tab's title.

export const news = $state({ text: "" });

addEventListener("visibilitychange", () => {
  if (!document.hidden) news.text = "";
});

export function canAsk(): boolean {
  return "Notification" in window && Notification.permission === "default";
}

/** Ask to be allowed notifications; browsers want a click for it. */
export async function ask(): Promise<void> {
  if (canAsk()) await Notification.requestPermission();
}

export function tell(text: string): void {
  if (!document.hidden) return;
  news.text = text;
  if ("Notification" in window && Notification.permission === "granted") new Notification(text);
}
