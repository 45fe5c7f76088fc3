/** Asking: an answer as it streams in, and the passages that it cites. */
import * as api from "./api.js";
import { t } from "./i18n.js";
import { announce } from "./notices.js";
import { getState, patchState } from "./store.js";

export const canAsk = document.body.dataset.canAsk === "true";
const NOTHING = { question: "", text: "", sources: [], cited: [], running: false, error: "" };
let running = new AbortController();

export async function ask(question) {
  clearAnswer();
  if (!question.trim()) return;
  running = new AbortController();
  patchState("answer", { ...NOTHING, question, running: true });
  try {
    await api.ask(requestBody(question), running.signal, takeIn);
    patchState("answer", { running: false });
    announce(t("The answer is complete."));
  } catch (problem) {
    if (problem.name === "AbortError") return;
    patchState("answer", { running: false, error: problem.message });
    announce(t("The question was not answered: {reason}", { reason: problem.message }));
  }
}

function requestBody(question) {
  const documents = [...getState().selected];
  return documents.length ? { question, documents } : { question };
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
