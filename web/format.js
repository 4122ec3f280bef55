// SPDX-License-Identifier: MIT
// Numbers and times as people read them, and the daemon's clock.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB",
  { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB",
  { weekday: "short", day: "numeric", month: "short", year: "numeric" });

const known = (value) => typeof value === "number" && Number.isFinite(value);
// The daemon says 0 where it does not know when.
const isTime = (epoch) => known(epoch) && epoch > 0;

/** 1234567 as 1,234,567. */
export const count = (value) => (known(value) ? whole.format(value) : "–");

/** A count in full as long as it is below `most`, then shortened: for places that are narrow. */
export const countWithin = (value, most) => (value >= most ? short.format(value) : count(value));

/** 1234567 as 1.2M, for axes. */
export const compact = (value) => (value < 1000 ? whole.format(value) : short.format(value));

/** A rate: one decimal while it matters. */
export function rate(value) {
  if (!known(value)) return "–";
  if (value === 0) return "0";
  return Math.abs(value) < 1000 ? tenth.format(value) : whole.format(value);
}

/** Seconds with the precision that their size deserves. */
export function seconds(value) {
  if (!known(value)) return "–";
  if (value < 0.1) return `${Number((value * 1000).toPrecision(2))} ms`;
  if (value < 10) return `${tenth.format(value)} s`;
  return duration(value);
}

/** 3725 as "1 h 2 min". */
export function duration(value) {
  const s = Math.max(0, Math.round(value));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) {
    const rest = Math.floor((s % 3600) / 60);
    return rest ? `${Math.floor(s / 3600)} h ${rest} min` : `${Math.floor(s / 3600)} h`;
  }
  const hours = Math.floor((s % 86400) / 3600);
  return hours ? `${count(Math.floor(s / 86400))} d ${hours} h` : `${count(Math.floor(s / 86400))} d`;
}

/** Bytes in binary steps. */
export function bytes(value) {
  if (!known(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let step = 0;
  while (size >= 1024 && step < units.length - 1) {
    size /= 1024;
    step += 1;
  }
  return `${step === 0 ? whole.format(size) : tenth.format(size)} ${units[step]}`;
}

/** hh:mm:ss of the reader's zone. */
export const timeOfDay = (epoch) => clock.format(epoch * 1000);

/** hh:mm of the reader's zone. */
export const hourMinute = (epoch) => minute.format(epoch * 1000);

/** Day and time in full. */
export const dateTime = (epoch) =>
  isTime(epoch) ? `${day.format(epoch * 1000)}, ${clock.format(epoch * 1000)}` : "–";

// The daemon's clock may differ from the reader's. Every answer that tells its time corrects this.
let offset = 0;

/** Takes note of the daemon's time, in whole seconds. */
export function syncClock(epoch) {
  if (!known(epoch)) return;
  const found = epoch - Date.now() / 1000;
  // Whole seconds are up to one behind: a difference below two is no difference.
  offset = Math.abs(found) < 2 ? 0 : found;
}

/** Now, by the daemon's clock. */
export const now = () => Date.now() / 1000 + offset;

/** "now", "12 s ago", "3 min ago". */
export function ago(epoch) {
  if (!isTime(epoch)) return "–";
  const passed = now() - epoch;
  if (passed < 3) return "now";
  return `${duration(passed)} ago`;
}

/** "1 hashtag", "12 hashtags". */
export const plural = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;
