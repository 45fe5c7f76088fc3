/** The page from top to bottom. */
import { html, useEffect } from "../html.js";
import { Answer } from "./answer.js";
import { Banner, useLoss } from "./connection.js";
import { DocumentList } from "./document_list.js";
import { DropOverlay, DropZone } from "./drop_zone.js";
import { Hits } from "./hits.js";
import { Panel } from "./panel.js";
import { SearchBox } from "./search_box.js";
import { Toasts } from "./toasts.js";

export function App({ state, onReconnect }) {
  useEffect(listenForSlash, []);
  const isLost = useLoss(state.connection);
  const open = state.panel && (state.documents.items.find(({ id }) => id === state.panel.id) ?? state.panel.unlisted);
  const above = html`
    <${DropOverlay} />
    <div class="above">
      <${Toasts} toasts=${state.toasts} />
      <${Banner} isLost=${isLost} ...${state.connection} onRetry=${onReconnect} />
    </div>`;
  return html`
    <${SearchBox} search=${state.search} selected=${state.selected} documents=${state.documents} />
    <${Answer} answer=${state.answer} />
    <${Hits} search=${state.search} selected=${state.selected} />
    <section class="documents" aria-labelledby="documents-title">
      <${DropZone} isFirst=${isEmpty(state)} />
      <${DocumentList} ...${state}>${!open && above}<//>
    </section>
    <${Panel} panel=${state.panel} item=${open} task=${open?.task && state.tasks[open.task.id]}>${above}<//>`;
}

const isEmpty = ({ documents, filters, uploads }) =>
  !documents.items.length && !documents.loading && !documents.error &&
  !filters.search && !filters.status && !uploads.length;

/** "/" focuses the search, as on many sites, unless the user is typing. */
function listenForSlash() {
  const onKey = (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    document.getElementById("search-query").focus();
  };
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}
