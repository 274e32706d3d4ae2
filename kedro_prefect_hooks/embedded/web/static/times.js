// Times and durations in words.

/** Milliseconds since 1970. The server's times have microseconds; a Date has milliseconds. */
export const moment = (text) => (text ? new Date(text).getTime() : null);

export function duration(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** In one unit: “3 min”. */
export function roughly(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 36 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

export function since(text, now = Date.now()) {
  const passed = now - moment(text);
  if (passed < -1500) return `in ${roughly(-passed)}`;
  return passed < 1500 ? "just now" : `${roughly(passed)} ago`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const SHORT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export const clock = (text) => CLOCK.format(new Date(text));
export const full = (text) => FULL.format(new Date(text));

/** “14:05” today, “Mon 23 Nov, 14:05” on other days. */
export function when(text) {
  const date = new Date(text);
  const time = SHORT.format(date);
  return date.toDateString() === new Date().toDateString() ? time : `${DAY.format(date)}, ${time}`;
}

/** The time so many minutes ago, as text: the same one for a minute, so that requests with it are the same. */
export const minutesAgo = (minutes) => new Date((Math.floor(Date.now() / 60_000) - minutes) * 60_000).toISOString();
