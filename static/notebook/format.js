/** Formats numbers, sizes and times. */
import { language, t } from "./i18n.js";

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const percentages = new Intl.NumberFormat(language, { style: "percent" });
const relative = new Intl.RelativeTimeFormat(language); // without "yesterday", which is not always 30 hours ago
const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const languages = new Intl.DisplayNames(language, { type: "language", fallback: "code" });

// Durations of running steps are counted from the server's times, so by the server's clock.
const clockOffset = Date.parse(document.body.dataset.now ?? "") - Date.now() || 0;
export const serverNow = () => Date.now() + clockOffset;

export const number = (value) => whole.format(value);
export const percent = (value) => percentages.format(value / 100);
/** To the second. */
export const moment = (iso) => moments.format(new Date(iso));
export const dateTime = (iso) => dates.format(new Date(iso));

/** @param {number} size in bytes */
export function fileSize(size) {
  const units = ["B", "KB", "MB", "GB"];
  const power = size < 1000 ? 0 : Math.min(3, Math.floor(Math.log(size) / Math.log(1000)));
  return `${tenths.format(size / 1000 ** power)} ${units[power]}`;
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 0.1) return t("< 0.1 s");
  if (seconds < 10) return t("{seconds} s", { seconds: tenths.format(seconds) });
  if (seconds < 60) return t("{seconds} s", { seconds: whole.format(seconds) });
  const minutes = Math.floor(seconds / 60);
  return t("{minutes} min {seconds} s", { minutes, seconds: Math.floor(seconds % 60) });
}

/** To the minute: what is shown is updated every minute. */
export function timeAgo(iso) {
  const minutes = (serverNow() - Date.parse(iso)) / 60_000;
  if (minutes < 1) return t("just now");
  const steps = [[60, 1, "minute"], [1440, 60, "hour"], [10_080, 1440, "day"]];
  const step = steps.find(([limit]) => minutes < limit);
  if (!step) return new Date(iso).toLocaleDateString(language, { dateStyle: "medium" });
  return relative.format(-Math.floor(minutes / step[1]), step[2]);
}

export function languageName(code) {
  try {
    return languages.of(code);
  } catch {
    return code;
  }
}

/** "p. 3", "pp. 3–4", or "" for documents without pages. */
export function pageRange({ page_start: first, page_end: last }) {
  if (!first) return "";
  if (!last || last === first) return t("p. {page}", { page: number(first) });
  return t("pp. {first}–{last}", { first: number(first), last: number(last) });
}
