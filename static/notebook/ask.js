/** Asking: an answer as it streams in, and the passages that it cites. */
import * as api from "./api.js";
import { t } from "./i18n.js";
import { announce } from "./notices.js";
import { getState, patchState } from "./store.js";

export const canAsk = document.body.dataset.canAsk === "true";
const NOTHING = { before: [], question: "", text: "", sources: [], cited: [], running: false, error: "" };
const MOST_TURNS = 50; // of which the server reads the last ones
let running = new AbortController();

/** A question may refer to those before, until the answer is closed. */
export async function ask(question) {
  const before = conversation();
  clearAnswer();
  if (!question.trim()) return;
  running = new AbortController();
  patchState("answer", { ...NOTHING, before, question, running: true });
  try {
    await api.ask(requestBody(question, before), running.signal, takeIn);
    patchState("answer", { running: false });
    announce(t("The answer is complete."));
  } catch (problem) {
    if (problem.name === "AbortError") return;
    patchState("answer", { running: false, error: problem.message });
    announce(t("The question was not answered: {reason}", { reason: problem.message }));
  }
}

/** What was answered so far, `[{question, text, sources}]`; an answer that broke off is no part of it. */
function conversation() {
  const { before, running: goesOn, error, ...last } = getState().answer;
  return last.text && !goesOn && !error ? [...before, last].slice(-MOST_TURNS) : before;
}

function requestBody(question, before) {
  const documents = [...getState().selected];
  const history = before.map((turn) => ({ question: turn.question, answer: turn.text }));
  return { question, history, ...(documents.length && { documents }) };
}

function takeIn(name, data) {
  const { text, cited } = getState().answer;
  if (name === "sources") patchState("answer", { sources: data.sources });
  if (name === "text") patchState("answer", { text: text + data.delta });
  if (name === "citation") patchState("answer", { cited: [...cited, data.number] });
  if (name === "error") throw new api.Problem(data.detail, { code: data.code });
}

export function clearAnswer() {
  running.abort();
  patchState("answer", NOTHING);
}

/** `[{text}, {number}, {strong}]`: the answer's text, its citations `[n]`, and `**words**`, as most models write. */
export const withMarkers = (text) => text.split(/(\[\d+\]|\*\*[^*[\n]+\*\*)/).map(toPart);

function toPart(text) {
  if (/^\[\d+\]$/.test(text)) return { number: Number(text.slice(1, -1)) };
  return /^\*\*.+\*\*$/.test(text) ? { strong: text.slice(2, -2) } : { text };
}
