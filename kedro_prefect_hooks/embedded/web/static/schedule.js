// A flow's schedule in words. Knows Prefect's serialised clocks; says the plain cron lines, leaves the others be.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NAMES = Object.fromEntries(DAYS.map((day, index) => [day.slice(0, 3).toUpperCase(), index]));
const ALIASES = { "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *" };

const isNumber = (text) => /^\d+$/.test(text);
const two = (number) => String(number).padStart(2, "0");

function every(count, unit) {
  return count === 1 ? `every ${unit}` : `every ${count} ${unit}s`;
}

function weekdays(text) {
  if (text === "*") return "every day";
  const day = (part) => DAYS[(NAMES[part.toUpperCase()] ?? Number(part)) % 7];
  if (/^(1-5|MON-FRI)$/i.test(text)) return "Monday to Friday";
  const parts = text.split(",");
  if (!parts.every((part) => isNumber(part) || part.toUpperCase() in NAMES)) return null;
  return parts.map((part) => `${day(part)}s`).join(", ");
}

/** Words for a cron line, or null when it is none of the usual ones. */
export function cronInWords(line) {
  const fields = (ALIASES[line.trim()] ?? line).trim().split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute, hour, date, month, day] = fields;
  if (month !== "*") return null;
  const step = /^\*\/(\d+)$/;
  if (date === "*" && day === "*" && hour === "*") {
    if (minute === "*") return "every minute";
    if (step.test(minute)) return every(Number(minute.match(step)[1]), "minute");
    if (isNumber(minute)) return minute === "0" ? "every hour" : `every hour at ${minute} past`;
  }
  if (date === "*" && day === "*" && step.test(hour) && isNumber(minute)) {
    return `${every(Number(hour.match(step)[1]), "hour")}${minute === "0" ? "" : ` at ${minute} past`}`;
  }
  if (!isNumber(minute) || !/^\d+(,\d+)*$/.test(hour)) return null;
  const times = hour.split(",").map((each) => `${two(each)}:${two(minute)}`).join(" and ");
  if (isNumber(date) && day === "*") return `on day ${date} of each month at ${times}`;
  const days = date === "*" ? weekdays(day) : null;
  return days && `${days} at ${times}`;
}

function intervalInWords(microseconds) {
  const seconds = microseconds / 1e6;
  for (const [size, unit] of [[604800, "week"], [86400, "day"], [3600, "hour"], [60, "minute"]]) {
    if (seconds >= size && seconds % size === 0) return every(seconds / size, unit);
  }
  return every(seconds, "second");
}

function clockInWords(clock) {
  const zone = clock.start_date?.tz ?? (clock.type === "CronClock" ? "UTC" : null);
  if (clock.type === "CronClock") return { words: cronInWords(clock.cron), code: clock.cron, zone };
  if (clock.type === "IntervalClock") return { words: intervalInWords(clock.interval), zone: null };
  if (clock.type === "DatesClock") return { words: `on ${clock.dates?.length ?? "certain"} dates`, zone: null };
  if (clock.type === "RRuleClock") return { words: "by rule", code: clock.rrule_str ?? clock.rrule ?? null, zone };
  return { words: clock.type, zone: null };
}

/** [{words, code, zone}, …] of a serialised schedule: words or code may be null, not both. */
export function inWords(schedule) {
  return (schedule?.clocks ?? []).map(clockInWords).map((clock) => ({
    ...clock,
    code: typeof clock.code === "string" ? clock.code : null,
    words: clock.words ?? (typeof clock.code === "string" ? null : "on a schedule"),
  }));
}
