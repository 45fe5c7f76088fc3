/** Whether a document belongs in the list as it is filtered now. */
import { displayStatus } from "./status.js";
import { getState } from "./store.js";

const OF_TASK = { COMPLETED: "AVAILABLE" };

/** Each word is in the name, as the server has it; quotes only widen it. */
export function hasName({ name }) {
  const words = getState().filters.search.normalize("NFC").toLowerCase().split(/[\s,"']+/);
  return words.every((word) => name.toLowerCase().includes(word));
}

export function matchesFilters(item) {
  const { filters, tasks } = getState();
  const status = displayStatus(item, tasks[item.task?.id]);
  return hasName(item) && (!filters.status || filters.status === status);
}

/** What a push alone can tell: the document need not be read where this is false. */
export function mayMatch(snapshot) {
  const { status } = getState().filters;
  return !status || status === (OF_TASK[snapshot.status] ?? snapshot.status);
}
