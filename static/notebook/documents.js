/** The list of documents and what can be done with one. */
import * as api from "./api.js";
import { t } from "./i18n.js";
import { announce, toastError } from "./notices.js";
import { hitsWithout } from "./search.js";
import { getState, patchState, setState } from "./store.js";
import { displayStatus, isLive } from "./status.js";

const PAGE_SIZE = 50;
const LARGEST_PAGE = 200;
const discovering = new Set();
let loading = new AbortController();

const patchItems = (change) => {
  const { documents } = getState();
  patchState("documents", { items: change(documents.items) });
};

const find = (id) => getState().documents.items.find((item) => item.id === id);

/** Read the list anew, as long as it was. What is shown stays until the answer is here. */
export async function loadDocuments() {
  loading.abort();
  loading = new AbortController();
  patchState("documents", { loading: true, error: "" });
  const { filters, documents } = getState();
  const size = Math.min(LARGEST_PAGE, Math.max(PAGE_SIZE, documents.items.length));
  await readPage(api.listDocuments({ ...filters, page_size: size }, loading.signal), () => []);
}

export async function loadMoreDocuments() {
  patchState("documents", { loading: true, error: "" });
  const { next } = getState().documents;
  await readPage(api.nextPage("/api/documents/", next, loading.signal), (items) => items);
}

async function readPage(answer, keep) {
  try {
    const { results, next } = await answer;
    const kept = keep(getState().documents.items);
    const known = new Set(kept.map((item) => item.id));
    const items = [...kept, ...results.filter((item) => !known.has(item.id))];
    patchState("documents", { items, next, loading: false });
    results.forEach(fetchStepsOfLive);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    patchState("documents", { loading: false, error: problem.message });
  }
}

export function setFilters(patch) {
  patchState("filters", patch);
  patchState("documents", { items: [], next: null });
  return loadDocuments();
}

/** The socket sends the recent tasks only; a live one that it left out is read once. */
function fetchStepsOfLive({ task }) {
  if (task && isLive(task.status) && !getState().tasks[task.id]) fetchTask(task.id).catch(() => {});
}

export async function fetchTask(id) {
  if (getState().tasks[id]) return;
  const task = await api.getTask(id);
  keepNewest({ ...task, task_id: task.id });
}

/** @returns whether it was newer than what we have */
function keepNewest(snapshot) {
  const known = getState().tasks[snapshot.task_id];
  if (known && known.seq >= snapshot.seq) return false;
  patchState("tasks", { [snapshot.task_id]: snapshot });
  return true;
}

/** A push of the socket. */
export function applySnapshot(snapshot) {
  const before = getState().tasks[snapshot.task_id]?.status;
  if (!keepNewest(snapshot) || !snapshot.document_id) return; // not every task is about a document
  const item = find(snapshot.document_id);
  if (isLive(snapshot.status)) adopt(item, snapshot);
  else if (item?.task?.id === snapshot.task_id) settle(item, before);
}

/** A document has one live task at most, so a live one is its current one. */
function adopt(item, { task_id, document_id, status }) {
  if (!item) discover(document_id);
  else if (item.task?.id !== task_id) replaceDocument({ ...item, task: { id: task_id, status } });
}

/** The end of a task changes its document: pages, passages, the reason of a failure. */
async function settle(item, before) {
  const wasLive = isLive(before ?? item.task.status);
  if (!wasLive) return;
  const fresh = await refreshDocument(item.id);
  if (fresh) announceOutcome(fresh);
}

function announceOutcome(item) {
  const { name } = item;
  if (getState().going.has(item.id)) return;
  const sentences = {
    AVAILABLE: t("{name} is ready to search.", { name }),
    FAILED: t("{name} failed: {reason}", { name, reason: item.error_message ?? "" }),
    CANCELLED: t("{name} was cancelled.", { name }),
  };
  const sentence = sentences[displayStatus(item, getState().tasks[item.task?.id])];
  if (sentence) announce(sentence);
}

async function refreshDocument(id) {
  try {
    const fresh = await api.getDocument(id);
    putDocument(fresh);
    return fresh;
  } catch (problem) {
    if (problem.status === 404) forget(id);
    return null;
  }
}

/** Pushes come faster than answers: one question at a time for a document that is not listed. */
async function discover(id) {
  if (discovering.has(id)) return;
  discovering.add(id);
  await refreshDocument(id);
  discovering.delete(id);
}

const replaceDocument = (fresh) =>
  patchItems((items) => items.map((item) => (item.id === fresh.id ? fresh : item)));

/** Replace a document where it stands, or put a new one on top. */
export function putDocument(fresh) {
  if (find(fresh.id)) replaceDocument(fresh);
  else patchItems((items) => [fresh, ...items]);
  fetchStepsOfLive(fresh);
}

export function forget(id) {
  patchItems((items) => items.filter((item) => item.id !== id));
  setState(({ selected, panel, search }) => ({
    selected: new Set([...selected].filter((other) => other !== id)),
    panel: panel?.id === id ? null : panel,
    search: { ...search, results: hitsWithout(search.results, (gone) => gone === id) },
  }));
}

/** Retry, cancel and reprocess answer with the task; a 409 means that somebody was first. */
async function act(id, call) {
  try {
    const task = await call;
    if (task) keepNewest({ ...task, task_id: task.id, document_id: id });
  } catch (problem) {
    toastError(problem);
  }
  await refreshDocument(id);
}

export const retry = (item) => act(item.id, api.retryTask(item.task.id));
export const cancel = (item) => act(item.id, api.cancelTask(item.task.id));
export const reprocess = (item) => act(item.id, api.reprocessDocument(item.id));

export function toggleSelected(id) {
  const selected = new Set(getState().selected);
  if (!selected.delete(id)) selected.add(id);
  setState({ selected });
}

export const openPanel = (id, tab = "steps", chunk = null) => setState({ panel: { id, tab, chunk } });
