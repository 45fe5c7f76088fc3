/** Whether a document matches the list's current filters. */
import { displayStatus } from "./status.js";
import { getState } from "./store.js";

const OF_TASK = { COMPLETED: "AVAILABLE" };

/** Whether the name contains each word, like the server's filter; quotes only widen it. */
export function hasName({ name }) {
  const words = getState().filters.search.normalize("NFC").toLowerCase().split(/[\s,"']+/);
  return words.every((word) => name.toLowerCase().includes(word));
}

export function matchesFilters(item) {
  const { filters, tasks } = getState();
  const status = displayStatus(item, tasks[item.task?.id]);
  return hasName(item) && (!filters.status || filters.status === status);
}

/** What a push alone can decide: if false, the document need not be loaded. */
export function mayMatch(snapshot) {
  const { status } = getState().filters;
  return !status || status === (OF_TASK[snapshot.status] ?? snapshot.status);
}
