/** Deleting with undo: a document leaves the page at once, and the server after a delay. */
import * as api from "./api.js";
import { forget } from "./documents.js";
import { keepFocus } from "./focus.js";
import { t } from "./i18n.js";
import { toast, toastError } from "./notices.js";
import { hitsWithout } from "./search.js";
import { getState, setState } from "./store.js";

const UNDO_MS = 10_000;
const timers = new Map(); // by document id

export function deleteDocument({ id, name }) {
  setState(({ going, selected, panel }) => ({
    going: new Set([...going, id]),
    selected: new Set([...selected].filter((other) => other !== id)),
    panel: panel?.id === id ? null : panel,
  }));
  timers.set(id, setTimeout(() => carryOut(id), UNDO_MS));
  keepFocus();
  requestAnimationFrame(() => tellDeleted(id, name)); // not in the panel, which closes
}

function tellDeleted(id, name) {
  toast(t("{name} was deleted.", { name }), { lasts: UNDO_MS, action: { label: t("Undo"), run: () => keepDocument(id) } });
}

/** Undo a deletion; no effect on documents that are not being deleted. */
export function keepDocument(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  setState(({ going }) => ({ going: new Set([...going].filter((other) => other !== id)) }));
}

async function carryOut(id) {
  timers.delete(id);
  try {
    await api.deleteDocument(id);
  } catch (problem) {
    if (problem.status !== 404) {
      keepDocument(id);
      return toastError(problem);
    }
  }
  forget(id);
  keepDocument(id);
}

/** Leaving the page confirms pending deletions. */
function carryOutAll() {
  for (const id of timers.keys()) api.deleteDocument(id, { keepalive: true }).catch(() => {});
}

/** The state without documents that are being deleted. */
export function withoutGoing(state) {
  const { going, documents, search } = state;
  if (!going.size) return state;
  const items = documents.items.filter(({ id }) => !going.has(id));
  const results = hitsWithout(search.results, (id) => going.has(id));
  return { ...state, documents: { ...documents, items }, search: { ...search, results } };
}

addEventListener("pagehide", carryOutAll);
