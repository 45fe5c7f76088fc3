/** The list of documents and the actions on one. */
import * as api from "./api.js";
import { hasName, matchesFilters, mayMatch } from "./filters.js";
import { keepFocus } from "./focus.js";
import { t, tn } from "./i18n.js";
import { announce, toastError } from "./notices.js";
import { hitsWithout, searchIn } from "./search.js";
import { getState, patchState, setState } from "./store.js";
import { isLive } from "./status.js";

const PAGE_SIZE = 50;
const LARGEST_PAGE = 200;
const READY_MS = 1500;
const FEW = 3; // are announced by name
const discovering = new Set();
const unmatched = new Set(); // ids from pushes whose documents are filtered out
const arrived = new Set(); // ids added on top since the list was requested, whose response may lack them
const acting = new Set();
const ready = []; // names still to be announced
const told = new Set(); // ended tasks: more than one response may report the same
let loading = new AbortController();

const patchItems = (change) => {
  const { documents } = getState();
  patchState("documents", { items: change(documents.items) });
};

const findListed = (id) => getState().documents.items.find((item) => item.id === id);

function find(id) {
  const unlisted = getState().panel?.unlisted;
  return findListed(id) ?? (unlisted?.id === id ? unlisted : undefined);
}

/** Reload the list at its present length. What is shown stays until the response arrives. */
export async function loadDocuments() {
  loading.abort();
  loading = new AbortController();
  unmatched.clear();
  arrived.clear();
  patchState("documents", { loading: true, error: "", moreError: "" });
  const { filters, documents } = getState();
  const count = Math.max(PAGE_SIZE, documents.items.length);
  const query = { ...filters, page_size: Math.min(LARGEST_PAGE, count) };
  await readPage(readUpTo(count, api.listDocuments(query, loading.signal)), arrivedOutside);
}

function arrivedOutside(items, results) {
  const listed = new Set(results.map(({ id }) => id));
  return items.filter(({ id }) => arrived.has(id) && !listed.has(id));
}

const follow = (next) => api.nextPage("/api/documents/", next, loading.signal);

/** The page of `answer`, and those after it until there are `count` documents, as one page. */
async function readUpTo(count, answer) {
  const { results, next } = await answer;
  if (!next || results.length >= count) return { results, next };
  const rest = await readUpTo(count - results.length, follow(next));
  return { results: [...results, ...rest.results], next: rest.next };
}

export async function loadMoreDocuments() {
  patchState("documents", { loading: true, error: "", moreError: "" });
  await readPage(follow(getState().documents.next), (items) => items, "moreError");
}

/** @param place where a failure is shown: above the list or below it */
async function readPage(answer, keep, place = "error") {
  try {
    const { results, next } = await answer;
    const kept = keep(getState().documents.items, results);
    const known = new Set(kept.map((item) => item.id));
    const items = [...kept, ...results.filter((item) => !known.has(item.id))];
    patchState("documents", { items, next, loading: false });
    results.forEach(catchUp);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    patchState("documents", { loading: false, [place]: problem.message });
  }
}

export function setFilters(patch) {
  patchState("filters", patch);
  patchState("documents", { items: [], next: null });
  return loadDocuments();
}

/**
 * A document and its task arrive separately, and one may be behind the other: the socket sends
 * only recent tasks, and a response may be older than a push. If they differ, both are reloaded.
 */
async function catchUp({ id, task }) {
  const known = task && getState().tasks[task.id];
  if (!task || isLive(known?.status) === isLive(task.status)) return;
  try {
    const isNews = await readTask(task.id);
    const hasEnded = !isLive(getState().tasks[task.id].status);
    // If it is not new, the push arrived earlier and updated the document if it was known then.
    if (isLive(task.status) && hasEnded && (known || isNews)) await settle(find(id));
  } catch {
    // The next push or the next list will have it.
  }
}

export async function fetchTask(id) {
  if (!getState().tasks[id]) await readTask(id);
}

/** @returns whether it was new */
async function readTask(id) {
  const task = await api.getTask(id);
  return keepNewest({ ...task, task_id: task.id });
}

/** @returns whether it is newer than the known one */
function keepNewest(snapshot) {
  const known = getState().tasks[snapshot.task_id];
  if (known && known.seq >= snapshot.seq) return false;
  patchState("tasks", { [snapshot.task_id]: snapshot });
  return true;
}

/** A push from the socket. */
export function applySnapshot(snapshot) {
  const before = getState().tasks[snapshot.task_id]?.status;
  if (!keepNewest(snapshot) || !snapshot.document_id) return; // not every task belongs to a document
  const item = find(snapshot.document_id);
  if (!item) discover(snapshot, before);
  else if (isLive(snapshot.status)) adopt(item, snapshot);
  else if (item.task?.id === snapshot.task_id) settle(item, before);
}

/** A document has at most one live task, so a live one is the current one. */
function adopt(item, { task_id, status }) {
  if (item.task?.id !== task_id) replaceDocument({ ...item, task: { id: task_id, status } });
}

/** The end of a task changes its document: pages, passages, the reason of a failure. */
async function settle(item, before) {
  const wasLive = isLive(before ?? item?.task?.status);
  if (!item || !wasLive) return;
  const fresh = await refreshDocument(item.id);
  if (!fresh) return;
  announceOutcome(fresh);
  leaveUnmatched(fresh);
}

/** In a filtered list, a document whose status no longer matches goes, unless it is open. */
function leaveUnmatched(item) {
  if (isLive(getState().tasks[item.task?.id]?.status) || matchesFilters(item)) return;
  patchItems((items) => items.filter(({ id }) => id !== item.id));
  const { panel } = getState();
  if (panel?.id === item.id) setState({ panel: { ...panel, unlisted: item } });
  keepFocus();
}

/** Documents that become ready at about the same time are announced together. */
function announceReady(name) {
  if (ready.push(name) > 1) return;
  setTimeout(() => {
    const names = ready.splice(0);
    if (names.length <= FEW) return names.forEach((each) => announce(t("{name} is ready to search.", { name: each })));
    announce(tn("{count} document is ready to search.", "{count} documents are ready to search.", names.length));
  }, READY_MS);
}

/** By the task: a document that is reprocessed stays ready whatever the result. */
function announceOutcome(item) {
  const { name } = item;
  const task = getState().tasks[item.task?.id];
  const end = `${item.task?.id} ${task?.seq}`;
  const { status, error_message: reason } = task ?? item.task ?? item;
  if (isLive(status) || getState().going.has(item.id) || told.has(end)) return;
  told.add(end);
  if (status === "FAILED") announce(t("{name} failed: {reason}", { name, reason: reason ?? "" }));
  else if (status === "CANCELLED") announce(t("{name} was cancelled.", { name }));
  else announceReady(name);
}

async function refreshDocument(id, put = putDocument) {
  try {
    const fresh = await api.getDocument(id);
    put(fresh);
    return fresh;
  } catch (problem) {
    if (problem.status === 404) forget(id);
    return null;
  }
}

/** Pushes come faster than responses: one request at a time for an unlisted document. */
async function discover(snapshot, before) {
  const { document_id: id, status } = snapshot;
  const isNews = isLive(status) || (isLive(before) && getState().filters.status);
  if (!isNews || !mayMatch(snapshot) || discovering.has(id) || unmatched.has(id)) return;
  discovering.add(id);
  await refreshDocument(id, putMatching);
  discovering.delete(id);
}

function putMatching(fresh) {
  if (find(fresh.id) || matchesFilters(fresh)) putDocument(fresh);
  else if (!hasName(fresh)) unmatched.add(fresh.id);
}

function replaceDocument(fresh) {
  patchItems((items) => items.map((item) => (item.id === fresh.id ? fresh : item)));
  const { panel } = getState();
  if (panel?.unlisted?.id === fresh.id) setState({ panel: { ...panel, unlisted: fresh } });
}

function putOnTop(fresh) {
  arrived.add(fresh.id);
  patchItems((items) => [fresh, ...items]);
}

/** Replace a document in place, or put a new one on top. */
export function putDocument(fresh) {
  if (find(fresh.id)) replaceDocument(fresh);
  else putOnTop(fresh);
  catchUp(fresh);
}

export function forget(id) {
  patchItems((items) => items.filter((item) => item.id !== id));
  setState(({ selected, panel, search }) => ({
    selected: new Set([...selected].filter((other) => other !== id)),
    panel: panel?.id === id ? null : panel,
    search: { ...search, results: hitsWithout(search.results, (gone) => gone === id) },
  }));
}

/** One action of a kind at a time: a second click means the same. */
async function once(key, run) {
  if (acting.has(key)) return;
  acting.add(key);
  try {
    await run();
  } finally {
    acting.delete(key);
  }
}

/** Retry, cancel and reprocess return the task; a 409 means that somebody else was faster. */
async function act(id, call) {
  try {
    const task = await call();
    if (task) keepNewest({ ...task, task_id: task.id, document_id: id });
  } catch (problem) {
    toastError(problem);
  }
  await refreshDocument(id);
}

const actOnce = (verb, id, call) => once(`${verb} ${id}`, () => act(id, call));

export const retry = ({ id, task }) => actOnce("retry", id, () => api.retryTask(task.id));
export const cancel = ({ id, task }) => actOnce("cancel", id, () => api.cancelTask(task.id));
export const reprocess = ({ id }) => actOnce("reprocess", id, () => api.reprocessDocument(id));

export function toggleSelected(id) {
  const selected = new Set(getState().selected);
  if (!selected.delete(id)) selected.add(id);
  searchIn(selected);
}

/** A hit may be in a document that is not listed; it is loaded then. */
export function openPanel(id, tab = "steps", chunk = null) {
  const known = find(id);
  setState({ panel: { id, tab, chunk, unlisted: findListed(id) ? null : known } });
  if (!known) readUnlisted(id);
}

async function readUnlisted(id) {
  const patchPanel = (change) => getState().panel?.id === id && setState(change);
  try {
    const unlisted = await api.getDocument(id);
    patchPanel(({ panel }) => ({ panel: { ...panel, unlisted } }));
    catchUp(unlisted);
  } catch (problem) {
    patchPanel({ panel: null });
    toastError(problem);
    if (problem.status === 404) forget(id);
  }
}
