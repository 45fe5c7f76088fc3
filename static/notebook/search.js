/** Searching: the query, the hits, and which words of a hit to highlight. */
import * as api from "./api.js";
import { t, tn } from "./i18n.js";
import { announce } from "./notices.js";
import { getState, patchState, setState } from "./store.js";

export const HITS = 10;
export const MOST_HITS = 50;
const LEAD = 40; // characters, two lines of the narrowest screen
let running = new AbortController();

export async function search(query, topK = HITS) {
  running.abort();
  if (!query.trim()) return clearSearch();
  running = new AbortController();
  patchState("search", { query, topK, running: true, error: "" });
  rememberInAddress(query);
  try {
    const { results } = await api.search(requestBody(query, topK), running.signal);
    patchState("search", { results, running: false });
    announce(tn("{count} passage found.", "{count} passages found.", results.length));
  } catch (problem) {
    if (problem.name === "AbortError") return;
    patchState("search", { results: null, running: false, error: problem.message });
    announce(t("The search failed: {reason}", { reason: problem.message }));
  }
}

function requestBody(query, topK) {
  const documents = [...getState().selected];
  return { query, top_k: topK, distinct: true, ...(documents.length && { documents }) };
}

export const searchMore = () => search(getState().search.query, MOST_HITS);

/** Repeats a search that failed. */
export function searchAgain() {
  const { query, topK, error } = getState().search;
  if (error) search(query, topK);
}

export function clearSearch() {
  running.abort();
  rememberInAddress("");
  patchState("search", { query: "", topK: HITS, running: false, error: "", results: null });
}

/** Search only in these documents, or in all if there are none; shown hits are of these. */
export function searchIn(selected) {
  setState({ selected });
  const { query, topK } = getState().search;
  if (query) search(query, topK);
}

/** The hits without those of deleted documents; if a copy remains, the hit is shown for that. */
export function hitsWithout(results, isGone) {
  return results && results.flatMap((hit) => {
    const [first, ...copies] = [hit, ...hit.copies].filter(({ document }) => !isGone(document.id));
    return first ? [{ ...hit, document: first.document, chunk: first.chunk, copies }] : [];
  });
}

/** The URL holds the search, so a reload or a shared link shows the same one. */
function rememberInAddress(query) {
  const address = query ? `?q=${encodeURIComponent(query)}` : location.pathname;
  history.replaceState(null, "", address);
}

export const queryOfAddress = () => new URLSearchParams(location.search).get("q") ?? "";

/** `[{text, marked}]` that joined give the text, with an ellipsis for what is before `from`; all in code points. */
export function markWords(text, highlights, from = 0) {
  const characters = Array.from(text);
  const parts = from ? [{ text: "… " }] : [];
  let at = from;
  const add = (end, marked) => end > at && parts.push({ text: characters.slice(at, end).join(""), marked });
  for (const [start, end] of highlights) {
    add(start, false);
    at = start;
    add(end, true);
    at = end;
  }
  add(characters.length, false);
  return parts;
}

/** Where to begin so that `place` is soon visible: in its line, at a word. In code points. */
export function beginningBefore(text, place) {
  const from = Math.max(0, place - LEAD);
  const lead = Array.from(text).slice(from, place);
  const begin = lead.lastIndexOf("\n") + 1 || lead.indexOf(" ") + 1;
  return from && from + begin;
}
