/** The state of the page, as one object that is replaced and never changed. */
let state = {
  connection: { status: "connecting", retryAt: 0 },
  documents: { items: [], next: null, loading: true, error: "", moreError: "" },
  filters: { search: "", status: "", ordering: "-created_at" },
  tasks: {}, // the newest snapshot of each task, by task id
  uploads: [],
  selected: new Set(), // document ids that the search is restricted to
  search: { query: "", topK: 10, running: false, error: "", results: null },
  answer: { before: [], question: "", text: "", sources: [], cited: [], running: false, error: "" },
  panel: null, // {id, tab, chunk, unlisted}: `unlisted` is its document if it is not in the list
  going: new Set(), // ids of documents that are being deleted
  highlighted: null, // the document id to highlight
  toasts: [],
};
const listeners = new Set();

export const getState = () => state;

/** Replace some of the state: `patch` is an object, or a function of the state that returns one. */
export function setState(patch) {
  state = { ...state, ...(typeof patch === "function" ? patch(state) : patch) };
  for (const listener of listeners) listener(state);
}

/** The same for the object at `key`. */
export const patchState = (key, patch) => setState((now) => ({ [key]: { ...now[key], ...patch } }));

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
