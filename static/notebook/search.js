/** Searching: what was asked, the hits, and which words of a hit to mark. */
import * as api from "./api.js";
import { language, t, tn } from "./i18n.js";
import { announce } from "./notices.js";
import { getState, patchState, setState } from "./store.js";

export const HITS = 10;
export const MOST_HITS = 50;
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
  return documents.length ? { query, top_k: topK, documents } : { query, top_k: topK };
}

export const searchMore = () => search(getState().search.query, MOST_HITS);

export function clearSearch() {
  running.abort();
  rememberInAddress("");
  patchState("search", { query: "", topK: HITS, running: false, error: "", results: null });
}

export function searchEverywhere() {
  setState({ selected: new Set() });
  const { query, results } = getState().search;
  if (results) search(query);
}

/** A reload, or the link sent to a colleague, shows the same search. */
function rememberInAddress(query) {
  const address = query ? `?q=${encodeURIComponent(query)}` : location.pathname;
  history.replaceState(null, "", address);
}

export const queryOfAddress = () => new URLSearchParams(location.search).get("q") ?? "";

const segmenter = new Intl.Segmenter(language, { granularity: "word" });
const wordsOf = (text) => [...segmenter.segment(text)].filter((part) => part.isWordLike);

/** `[{text, marked}]` that joined give `text`; words of the query are marked, whatever their case. */
export function markWords(text, query) {
  const wanted = new Set(wordsOf(query).map(({ segment }) => segment.toLowerCase()).filter(isTelling));
  const parts = [];
  for (const { segment } of segmenter.segment(text)) {
    const marked = wanted.has(segment.toLowerCase());
    const last = parts.at(-1);
    if (last?.marked === marked) last.text += segment;
    else parts.push({ text: segment, marked });
  }
  return parts;
}

const GRAMMAR = new Set(
  ("the and for are was were with what which when where who whom whose why how that this these those from into " +
   "does did has have had not but can could would should will about there their they them its his her our your you " +
   "的 了 是 在 吗 呢 和 与 及 有 我 你 他 她 它 什么 怎么 多少 哪些 这 那").split(" "),
);

/** Words of grammar say little, nor do one or two Latin letters; one Chinese character may say much. */
const isTelling = (word) => !GRAMMAR.has(word) && (word.length > 2 || /[^\p{Script=Latin}]/u.test(word));
