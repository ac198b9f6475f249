// What ended after its page had been left: told on every page until its own is opened or it is closed.

export interface Reminder {
  text: string;
  /** Where it is seen, relative to the service, and what the link to it says. */
  address: string;
  link: string;
}

export const reminders = $state<{ items: Reminder[] }>({ items: [] });

export function remind(reminder: Reminder): void {
  reminders.items.push(reminder);
}
