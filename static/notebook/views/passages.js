/** The reading view: a document's passages in order, with headings and pages. */
import { chunksPath, listChunks, nextPage } from "../api.js";
import { pageRange } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { t } from "../i18n.js";
import { Button } from "./button.js";
import { Icon } from "./icons.js";
import { Quality } from "./quality.js";

const PAGE_SIZE = 50;
const LARGEST_PAGE = 200;

export function Passages({ item, target }) {
  const { chunks, next, error, loadMore } = useChunks(item.id, target);
  if (error) return html`<p class="notice notice-error" role="alert"><${Icon} name="alert" />${error}</p>`;
  if (!chunks) return html`<p class="loading" role="status"><span class="spinner" aria-hidden="true"></span>${t("Loading…")}</p>`;
  if (!chunks.length) return html`<p class="empty">${t("There is nothing to read yet.")}</p>`;
  return html`
    <${Quality} item=${item} />
    <div class="passages">
      ${chunks.map((chunk, index) => html`
        <${Passage} key=${chunk.id} chunk=${chunk} before=${chunks[index - 1]} isTarget=${chunk.index === target} />`)}
    </div>
    ${next && html`<${Button} kind="button-wide" onClick=${loadMore}>${t("Load more")}<//>`}`;
}

/** Reads pages of passages; the first time, as far as the one to show. */
function useChunks(id, target) {
  const [state, setState] = useState({ chunks: null, next: null, error: "" });
  const reading = useRef(null);
  const run = async (answer, before) => {
    try {
      const { results, next } = await answer;
      const chunks = [...before, ...results];
      setState({ chunks, next, error: "" });
      if (next && chunks.at(-1).index < (target ?? -1)) return run(follow(next), chunks);
    } catch (problem) {
      if (problem.name !== "AbortError") setState((now) => ({ ...now, error: problem.message }));
    }
  };
  const follow = (next) => nextPage(chunksPath(id), next, reading.current.signal);
  useEffect(() => {
    reading.current = new AbortController();
    const size = target === null ? PAGE_SIZE : LARGEST_PAGE;
    run(listChunks(id, { page_size: size }, reading.current.signal), []);
    return () => reading.current.abort();
  }, [id]);
  return { ...state, loadMore: () => run(follow(state.next), state.chunks) };
}

function Passage({ chunk, before, isTarget }) {
  const element = useRef(null);
  useEffect(() => {
    if (isTarget) element.current.scrollIntoView({ block: "center" });
  }, [isTarget]);
  const headings = (chunk.headings ?? []).join(" › ");
  const isNewSection = headings && headings !== (before?.headings ?? []).join(" › ");
  return html`
    ${isNewSection && html`<h3 class="passage-heading">${headings}</h3>`}
    <div ref=${element} class=${`passage${isTarget ? " is-target" : ""}`} aria-current=${isTarget ? "true" : null}>
      <span class="passage-place">${pageRange(chunk) || `#${chunk.index + 1}`}</span>
      <p class="passage-text">${chunk.text}</p>
    </div>`;
}
