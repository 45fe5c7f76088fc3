/** An answer as it streams in: text, never markup. A number leads to the cited passage. */
import { ask, clearAnswer, withMarkers } from "../ask.js";
import { openPanel } from "../documents.js";
import { focusTitle } from "../focus.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { IconButton } from "./button.js";
import { Failure } from "./failure.js";
import { Place } from "./hits.js";

export function Answer({ answer: { before, question, text, sources, cited, running, error } }) {
  if (!question) return null;
  const close = () => {
    focusTitle(document.getElementById("hits-title") ? "hits-title" : "documents-title"); // what is below
    clearAnswer();
  };
  return html`
    <section class="answer" aria-labelledby="answer-title" aria-busy=${running}>
      ${before.map((turn, index) => html`
        <details key=${index} class="answer-before">
          <summary dir="auto">${turn.question}</summary>
          <${Words} ...${turn} />
        </details>`)}
      <header class="answer-head">
        <h2 id="answer-title" dir="auto" tabindex="-1">${question}</h2>
        <${IconButton} icon="close" label=${t("Close the answer")} onClick=${close} />
      </header>
      ${running && !text && html`<p class="answer-waiting">${t("Reading your documents…")}</p>`}
      ${text && html`<${Words} text=${text} sources=${sources} />`}
      ${error && html`<${Failure} error=${error} onRetry=${() => ask(question)} next="answer-title" />`}
      ${cited.length > 0 && html`
        <ol class="answer-sources" aria-label=${t("Cited passages")}>
          ${cited.map((number) => html`<${Source} key=${number} source=${find(sources, number)} />`)}
        </ol>`}
      ${!running && !error && sources.length > 0 && html`<p class="answer-note">${t("Written by a model from the passages that were found. Check what matters. Your next question may refer to this answer.")}</p>`}
    </section>`;
}

const Words = ({ text, sources }) =>
  html`<p class="answer-text">${withMarkers(text).map((part) => html`<${Part} ...${part} sources=${sources} />`)}</p>`;

const find = (sources, number) => sources.find((source) => source.number === number);
const open = ({ document, chunk }) => openPanel(document.id, "passages", chunk.index);

function Part({ text, number, strong, sources }) {
  if (strong) return html`<strong>${strong}</strong>`;
  const source = number && find(sources, number);
  if (!source) return text ?? `[${number}]`;
  const label = t("Passage {number}: {name}", { number, name: source.document.name });
  return html`<button type="button" class="answer-marker" aria-label=${label} title=${source.document.name} onClick=${() => open(source)}>${number}</button>`;
}

function Source({ source }) {
  return html`
    <li value=${source.number}>
      <button type="button" class="link" dir="auto" onClick=${() => open(source)}>${source.document.name}</button>
      <${Place} chunk=${source.chunk} />
    </li>`;
}
