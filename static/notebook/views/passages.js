/** The reading view: a document's passages in order, with headings and pages. */
import { chunksPath, listChunks } from "../api.js";
import { focusOn } from "../focus.js";
import { pageRange } from "../format.js";
import { html, useEffect, useRef } from "../html.js";
import { t } from "../i18n.js";
import { Lines } from "./lines.js";
import { Reading, Rest, usePages } from "./pages.js";
import { Quality } from "./quality.js";

const PAGE_SIZE = 50;
const LARGEST_PAGE = 200;

export function Passages({ item, target }) {
  const pages = useChunks(item.id, target);
  const { items: chunks, error, read } = pages;
  if (!chunks) return html`<${Reading} error=${error} onRetry=${read} />`;
  if (!chunks.length) return html`<p class="empty">${t("There is nothing to read yet.")}</p>`;
  return html`
    <${Quality} item=${item} />
    <div class="passages">
      ${chunks.map((chunk, index) => html`
        <${Passage} key=${chunk.id} chunk=${chunk} before=${chunks[index - 1]} isTarget=${chunk.index === target} />`)}
    </div>
    <${Rest} pages=${pages} />`;
}

/** The first load goes as far as the passage to show. */
function useChunks(id, target) {
  const size = target === null ? PAGE_SIZE : LARGEST_PAGE;
  const readFirst = (signal) => listChunks(id, { page_size: size }, signal);
  return usePages(chunksPath(id), readFirst, [id], (chunks) => chunks.at(-1).index >= (target ?? -1));
}

function Passage({ chunk, before, isTarget }) {
  const element = useRef(null);
  useEffect(() => {
    if (!isTarget) return;
    element.current.scrollIntoView({ block: "center" });
    focusOn(element.current); // screen readers read it; the dialog would begin at its first button
  }, [isTarget]);
  const headings = (chunk.headings ?? []).join(" › ");
  const isNewSection = headings && headings !== (before?.headings ?? []).join(" › ");
  return html`
    ${isNewSection && html`<h3 class="passage-heading" dir="auto">${headings}</h3>`}
    <div ref=${element} class=${`passage${isTarget ? " is-target" : ""}`} aria-current=${isTarget ? "true" : null}>
      <span class="passage-place">${pageRange(chunk) || `#${chunk.index + 1}`}</span>
      <p class="passage-text"><${Lines} parts=${[chunk]} /></p>
    </div>`;
}
