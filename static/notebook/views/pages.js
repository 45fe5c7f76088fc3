/** Lists in the panel that are read page by page. */
import { nextPage } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { t } from "../i18n.js";
import { Failure } from "./failure.js";
import { More } from "./more.js";

/**
 * The pages of `path` as one list, read anew whenever `keys` change.
 * @param readFirst `readFirst(signal)` asks for the first page
 * @param isEnough whether `items` will do; otherwise the next page follows by itself
 */
export function usePages(path, readFirst, keys, isEnough = () => true) {
  const [state, setState] = useState({ items: null, next: null, loading: true, error: "" });
  const reading = useRef(null);
  const run = async (answer, before) => {
    const { signal } = reading.current;
    try {
      const { results, next } = await answer;
      if (signal.aborted) return;
      const items = [...before, ...results];
      const isMore = Boolean(next) && !isEnough(items);
      setState({ items, next, loading: isMore, error: "" });
      if (isMore) return run(follow(next), items);
    } catch (problem) {
      if (problem.name !== "AbortError") setState((now) => ({ ...now, loading: false, error: problem.message }));
    }
  };
  const follow = (next) => nextPage(path, next, reading.current.signal);
  const begin = (answer, before) => {
    setState((now) => ({ ...now, loading: true, error: "" }));
    run(answer, before);
  };
  const read = () => {
    reading.current = new AbortController();
    begin(readFirst(reading.current.signal), []);
  };
  useEffect(() => {
    read();
    return () => reading.current.abort();
  }, keys);
  return { ...state, read, readMore: () => begin(follow(state.next), state.items) };
}

/** What is shown in place of content that is not loaded yet. */
export function Reading({ error, onRetry }) {
  if (error) return html`<${Failure} error=${error} onRetry=${onRetry} next="panel-body" />`;
  return html`<p class="loading" role="status"><span class="spinner" aria-hidden="true"></span>${t("Loading…")}</p>`;
}

/** What is shown below an incomplete list. */
export function Rest({ pages: { next, loading, error, read, readMore } }) {
  return html`
    <${More} hasMore=${next} loading=${loading} error=${error} onClick=${readMore} />
    ${error && !next && html`<${Failure} error=${error} onRetry=${read} next="panel-body" />`}`;
}
