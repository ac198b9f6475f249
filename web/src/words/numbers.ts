// Numbers and moments as the pages write them.

const number = new Intl.NumberFormat("en");
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const time = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number.format(count)} ${count === 1 ? one : many}`;
}

export function moment(date: string): string {
  return time.format(new Date(date));
}

/** A moment with its seconds, where others of the same minute stand beside it. */
export function exactly(date: string): string {
  return exact.format(new Date(date));
}

export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toFixed(3);
}

/** A difference of scores, with its sign. */
export function signed(value: number | null | undefined): string {
  const text = score(value === null || value === undefined ? value : Math.abs(value));
  return !value || Number(text) === 0 ? text : `${value > 0 ? "+" : "−"}${text}`;
}

export function lasting(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = minutes / 60;
  return hours < 48 ? `${hours.toFixed(1)} h` : counted(Math.round(hours / 24), "day");
}

/** A number of any size, to three digits. */
export function figure(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const isFar = rounded !== 0 && (Math.abs(rounded) < 0.001 || Math.abs(rounded) >= 1e6);
  const text = isFar ? rounded.toExponential() : String(rounded);
  return text.replace("e+", "e").replaceAll("-", "−");
}

/** Times in seconds as a scale has them: all in the largest unit in which nothing is rounded. */
export function timed(seconds: readonly number[]): string[] {
  const fits = (unit: number) => seconds.every((each) => each % unit === 0);
  const [unit, name] = fits(3600) ? [3600, "h"] : fits(60) ? [60, "min"] : [1, "s"];
  return seconds.map((each) => `${many(each / unit)} ${name}`);
}

export function many(count: number): string {
  return number.format(count);
}

export function percent(share: number): string {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export function sized(bytes: number): string {
  const unit = bytes >= 1e12 ? "TB" : bytes >= 1e9 ? "GB" : bytes >= 1e6 ? "MB" : "kB";
  return `${(bytes / { TB: 1e12, GB: 1e9, MB: 1e6, kB: 1e3 }[unit]).toFixed(1)} ${unit}`;
}
