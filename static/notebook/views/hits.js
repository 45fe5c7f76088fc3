/** Search hits: passages with their place in the document. */
import { fileUrl, pageUrl } from "../api.js";
import { openPanel } from "../documents.js";
import { useKeptFocus } from "../focus.js";
import { number, pageRange } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { t, tn } from "../i18n.js";
import { beginningBefore, HITS, markWords, MOST_HITS, search, searchMore } from "../search.js";
import { Failure } from "./failure.js";
import { FileTile, Icon } from "./icons.js";
import { Lines } from "./lines.js";
import { More } from "./more.js";

const COPIES = 5; // shown by name

export function Hits({ search: state }) {
  const { query, results, running, error, topK } = state;
  const section = useKeptFocus((hits) => hits?.querySelector("h2"));
  if (!query) return null;
  return html`
    <section ref=${section} class="hits" aria-labelledby="hits-title" aria-busy=${running}>
      <h2 id="hits-title" tabindex="-1">${title(results, running)}</h2>
      ${error && html`<${Failure} error=${error} onRetry=${() => search(query, topK)} next="hits-title" />`}
      ${running && !results && html`<${HitSkeletons} />`}
      ${results && !results.length && html`<${NothingFound} query=${query} />`}
      ${results?.length > 0 && html`
        <ol class=${`hit-list${running ? " is-stale" : ""}`}>
          ${results.map((hit) => html`<${Hit} key=${hit.chunk.id} hit=${hit} />`)}
        </ol>`}
      <${More} hasMore=${results && (running || topK < MOST_HITS) && mayBeMore(results)}
        loading=${running && topK === MOST_HITS} onClick=${searchMore} label=${t("Show more passages")} />
    </section>`;
}

/** Copies are merged into fewer hits; with this many places there may be more. */
function mayBeMore(results) {
  const places = results.reduce((count, { copies }) => count + 1 + copies.length, 0);
  return results.length >= HITS || places >= MOST_HITS;
}

function title(results, running) {
  if (!results) return running ? t("Searching…") : t("Search");
  return results.length ? tn("{count} passage", "{count} passages", results.length) : t("Results");
}

function Hit({ hit: { score, chunk, document, highlights, copies } }) {
  const [isOpen, setOpen] = useState(false);
  const [quote, isCut, isFoundBelow] = useFold();
  const from = isFoundBelow ? beginningBefore(chunk.text, highlights[0][0]) : 0;
  return html`
    <li class="hit">
      <header class="hit-source">
        <${FileTile} name=${document.name} />
        <div class="hit-place">
          <h3 dir="auto" title=${document.name}>${document.name}</h3>
          <${Place} chunk=${chunk} />
        </div>
        <${Score} score=${score} />
      </header>
      <blockquote ref=${quote} class=${`hit-text${isOpen ? "" : " is-folded"}`}>
        <${Lines} parts=${markWords(chunk.text, highlights, isOpen ? 0 : from)} />
      </blockquote>
      ${copies.length > 0 && html`<${Copies} copies=${copies} />`}
      <footer class="hit-actions">
        ${(isCut || from > 0) && html`
          <button type="button" class="link" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
            ${isOpen ? t("Show less") : t("Show full text")}
          </button>`}
        <button type="button" class="link" onClick=${() => openPanel(document.id, "passages", chunk.index)}>
          <${Icon} name="book" />${t("Read in context")}
        </button>
        ${isPdf(document) && chunk.page_start && html`
          <a class="link" href=${pageUrl(document.id, chunk.page_start)} target="_blank" rel="noopener">
            <${Icon} name="open" />${t("Open at page {page}", { page: number(chunk.page_start) })}
          </a>`}
        <a class="link" href=${fileUrl(document.id)} download><${Icon} name="download" />${t("Original")}</a>
      </footer>
    </li>`;
}

/** A ref for a folded text: whether it is cut off, and whether a highlight is; both depend on the screen. */
function useFold() {
  const text = useRef(null);
  const [isCut, setCut] = useState(false);
  const [isFoundBelow, setFoundBelow] = useState(false);
  useEffect(() => {
    const { current } = text;
    const measure = () => {
      if (!current.matches(".is-folded")) return;
      setCut(current.scrollHeight > current.clientHeight);
      if (isBelow(current.querySelector("mark"), current)) setFoundBelow(true);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return [text, isCut, isFoundBelow];
}

const isBelow = (mark, text) => mark?.getBoundingClientRect().top >= text.getBoundingClientRect().bottom;

/** Other places of the same passage. */
function Copies({ copies }) {
  const rest = copies.length - COPIES;
  return html`
    <p class="hit-copies">${t("Also in")}${copies.slice(0, COPIES).map(({ document, chunk }) => html`
      <button type="button" class="link" dir="auto" key=${chunk.id} onClick=${() => openPanel(document.id, "passages", chunk.index)}>
        ${[document.name, pageRange(chunk)].filter(Boolean).join(", ")}
      </button>`)}
      ${rest > 0 && html`<span>${t("and {count} more", { count: number(rest) })}</span>`}
    </p>`;
}

const isPdf = ({ name }) => /\.pdf$/i.test(name);

/** "p. 3 · Chapter 1 › Results" */
export function Place({ chunk }) {
  const pages = pageRange(chunk);
  if (!pages && !chunk.headings?.length) return null;
  return html`
    <p class="place">
      ${pages && html`<span class="pages">${pages}</span>`}
      ${chunk.headings?.length > 0 && html`<span class="headings" dir="auto">${chunk.headings.join(" › ")}</span>`}
    </p>`;
}

function Score({ score }) {
  const text = score.toFixed(2);
  return html`
    <p class="score" title=${t("How close the passage is to your question, from 0 to 1")}>
      <span class="visually-hidden">${t("Score")}</span>
      <span class="score-bar" aria-hidden="true"><span style=${{ transform: `scaleX(${Math.max(0, score)})` }}></span></span>${text}
    </p>`;
}

function NothingFound({ query }) {
  return html`
    <div class="empty">
      <p class="empty-title">${t("Nothing found for “{query}”", { query })}</p>
      <p>${t("Try other words, or wait until your documents are ready.")}</p>
    </div>`;
}

const HitSkeletons = () => html`
  <div class="hit-list" aria-hidden="true">
    ${[0, 1, 2].map((index) => html`<div key=${index} class="hit skeleton-block"><i></i><i></i><i></i></div>`)}
  </div>`;
