/** The queue of uploads: three at a time, with progress. */
import { isLeaving, uploadDocument } from "./api.js";
import { keepDocument } from "./deletions.js";
import { putDocument } from "./documents.js";
import { focusNext, keepFocus } from "./focus.js";
import { number } from "./format.js";
import { t, tn } from "./i18n.js";
import { announce, toast } from "./notices.js";
import { getState, setState } from "./store.js";

const AT_ONCE = 3;
const MANY = 20; // more files at once are bulk work, which lets other uploads go first
const HIGHLIGHT_MS = 2500;
const maxMegabytes = Number(document.body.dataset.maxUploadMb) || Infinity;
export const uploadLimit = Number.isFinite(maxMegabytes) ? maxMegabytes : null;
const aborts = new Map();
let lastId = 0;

const patchUpload = (id, patch) =>
  setState(({ uploads }) => ({
    uploads: uploads.map((upload) => (upload.id === id ? { ...upload, ...patch } : upload)),
  }));

export function addFiles(files) {
  const bulk = files.length > MANY;
  const added = [...files].map((file) => ({ id: ++lastId, file, bulk, sent: 0, ...admit(file) }));
  if (!added.length) return;
  setState(({ uploads }) => ({ uploads: [...uploads, ...added] }));
  announce(tn("Uploading {count} file.", "Uploading {count} files.", added.length));
  startNext();
}

/** The server checks too; this only saves the wait. */
function admit(file) {
  if (file.size <= maxMegabytes * 1_000_000) return { state: "queued", error: "" };
  const error = t("The file is larger than the limit of {limit} MB.", { limit: number(maxMegabytes) });
  return { state: "refused", error };
}

function startNext() {
  if (isLeaving()) return;
  const { uploads } = getState();
  const free = AT_ONCE - uploads.filter(({ state }) => state === "sending").length;
  uploads.filter(({ state }) => state === "queued").slice(0, Math.max(0, free)).forEach(send);
}

async function send({ id, file, bulk }) {
  const abort = new AbortController();
  aborts.set(id, abort);
  patchUpload(id, { state: "sending", sent: 0, error: "" });
  try {
    const onProgress = (sent) => patchUpload(id, { sent });
    const { created, document } = await uploadDocument(file, { bulk, onProgress, signal: abort.signal });
    finish(id, document, created);
  } catch (problem) {
    if (problem.name !== "AbortError") fail(id, file, problem);
  }
  aborts.delete(id);
  startNext();
}

function finish(id, document, created) {
  putDocument(document);
  keepDocument(document.id); // whoever uploads it again wants to keep it
  removeUpload(id);
  keepFocus(() => focusDocument(document.id));
  if (created) return;
  toast(t("{name} is already here.", { name: document.name }));
  setState({ highlighted: document.id });
  setTimeout(() => setState({ highlighted: null }), HIGHLIGHT_MS);
}

function focusDocument(id) {
  const name = document.querySelector(`[data-document="${id}"] .row-name`);
  return name ? name.focus({ preventScroll: true }) : focusNext();
}

/** Retrying helps if the connection or the server failed, not if the file was refused. */
const mayPass = ({ status }) => status === 0 || status === 429 || status >= 500;

function fail(id, file, problem) {
  patchUpload(id, { state: mayPass(problem) ? "failed" : "refused", error: problem.message });
  announce(t("{name} failed: {reason}", { name: file.name, reason: problem.message }));
}

const removeUpload = (id) =>
  setState(({ uploads }) => ({ uploads: uploads.filter((upload) => upload.id !== id) }));

export function dismissUpload(id) {
  aborts.get(id)?.abort();
  removeUpload(id);
  keepFocus();
  startNext();
}

/** Whether it has ended without a document. */
export const isOver = ({ state }) => state === "failed" || state === "refused";

export function dismissAllOver() {
  setState(({ uploads }) => ({ uploads: uploads.filter((upload) => !isOver(upload)) }));
  keepFocus();
}

export function retryUpload(id) {
  patchUpload(id, { state: "queued", error: "" });
  startNext();
}

/** Retries uploads that failed because of the server or the connection, now that both are back. */
export function retryFailedUploads() {
  getState().uploads.filter(({ state }) => state === "failed").forEach(({ id }) => retryUpload(id));
}

addEventListener("beforeunload", (event) => {
  if (!isLeaving() && !getState().uploads.every(isOver)) event.preventDefault(); // the browser asks
});

/** The files of a drop, including those in dropped folders. What can't be read is told. */
export async function filesOfDrop({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return [...files];
  const unread = [];
  const found = await filesOf(entries.filter(Boolean), unread);
  if (unread.length) toast(t("{names} could not be read.", { names: someOf(unread) }), { isError: true });
  return found;
}

const MOST_NAMED = 5;
const someOf = (names) =>
  [...names.slice(0, MOST_NAMED), ...(names.length > MOST_NAMED ? ["…"] : [])].join(", ");

/** Files that systems and Office create beside the user's own. */
const LITTER = /^(\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|~\$.*)$/i;

async function filesOf(entries, unread) {
  const own = entries.filter(({ name }) => !LITTER.test(name));
  const each = own.map((entry) => (entry.isFile ? fileOf(entry, unread) : filesIn(entry, unread)));
  return (await Promise.all(each)).flat();
}

async function fileOf(entry, unread) {
  try {
    return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  } catch {
    unread.push(entry.name);
    return [];
  }
}

async function filesIn(folder, unread) {
  const reader = folder.createReader();
  const found = [];
  try {
    for (;;) {
      const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!batch.length) return found;
      found.push(...(await filesOf(batch, unread)));
    }
  } catch {
    unread.push(folder.name);
    return found;
  }
}
