/** Texts for statuses and step details. */
import { fileSize, number } from "./format.js";
import { t, tn } from "./i18n.js";
import { DESCRIBED } from "./views/quality.js";

export const isLive = (status) => status === "PENDING" || status === "RUNNING";

/** The document's status by its newest task: a push may be newer than the list. */
export function displayStatus(item, task) {
  const ofTask = task?.status ?? item.task?.status;
  if (isLive(ofTask)) return ofTask;
  if (!isLive(item.status) || !ofTask) return item.status;
  return ofTask === "COMPLETED" ? "AVAILABLE" : ofTask;
}

export function statusLabel(status) {
  const labels = {
    PENDING: t("Waiting"),
    RUNNING: t("Working"),
    AVAILABLE: t("Ready"),
    COMPLETED: t("Done"),
    FAILED: t("Failed"),
    CANCELLED: t("Cancelled"),
  };
  return labels[status] ?? status;
}

const DETAILS = {
  file_size: (value) => fileSize(value),
  file_type: (value) => fileTypeLabel(value),
  pages: (value) => tn("{count} page", "{count} pages", value),
  ...DESCRIBED,
  sheets: (value) => tn("{count} sheet", "{count} sheets", value),
  hidden_sheets: (value) => value && tn("{count} hidden sheet", "{count} hidden sheets", value),
  hidden_slides: (value) => value && tn("{count} hidden slide", "{count} hidden slides", value),
  notes: (value) => value && tn("{count} slide with notes", "{count} slides with notes", value),
  pictures: (value) => value && tn("{count} picture", "{count} pictures", value),
  endnotes: (value) => value && tn("{count} endnote", "{count} endnotes", value),
  footnotes: (value) => value && tn("{count} footnote", "{count} footnotes", value),
  comments: (value) => value && tn("{count} comment", "{count} comments", value),
  encoding: (value) => t("encoding {name}", { name: value }),
  scanned: () => "", // true of every picture
  text_length: () => "", // the same as `characters`
  chunk_size: (value) => tn("up to {count} token each", "up to {count} tokens each", value),
  chunk_overlap: () => "",
  chunk_strategy: (value) => (value === "plain" ? t("regardless of headings") : ""),
  chunk_count: (value) => tn("{count} passage", "{count} passages", value),
  stored_vectors: (value) => tn("{count} passage stored", "{count} passages stored", value),
};
const HIDDEN = new Set(["warnings", "processed_chunks", "total_chunks", "embedded_chunks", "reader"]);

const FILE_TYPES = [
  [/pdf$/, t("PDF")],
  [/msword$|wordprocessingml|opendocument\.text$|rtf$/, t("Text document")],
  [/excel|spreadsheet/, t("Spreadsheet")],
  [/powerpoint|presentation/, t("Slides")],
  [/html/, t("Web page")],
  [/markdown$/, t("Markdown")],
  [/^message|outlook$/, t("E-mail")],
  [/^image/, t("Image")],
  [/^text\/plain/, t("Plain text")],
];

const fileTypeLabel = (type) => FILE_TYPES.find(([pattern]) => pattern.test(type))?.[1] ?? type;

/** The results of a step, as short phrases. */
export function describeDetails({ details = {} }) {
  const known = Object.entries(details).filter(([key, value]) => !HIDDEN.has(key) && isShort(value));
  const words = known.map(([key, value]) => DETAILS[key]?.(value) ?? plain(key, value));
  return [...words.filter(Boolean), ...describeEmbedding(details)];
}

function describeEmbedding({ processed_chunks: done = 0, total_chunks: total, embedded_chunks: asked }) {
  if (!total) return [];
  const words = [done < total
    ? t("{done} of {total} passages", { done: number(done), total: number(total) })
    : tn("{count} passage", "{count} passages", total)];
  const known = done - (asked ?? done);
  if (known > 0) words.push(tn("{count} known from before", "{count} known from before", known));
  return words;
}

const isShort = (value) => value !== null && value !== "" && typeof value !== "object";
const plain = (key, value) =>
  `${key.replaceAll("_", " ")}: ${typeof value === "number" ? value.toLocaleString() : value}`;
