/** The documents: filters, rows, and a message if there are none. */
import { loadDocuments, loadMoreDocuments, setFilters } from "../documents.js";
import { focusTitle } from "../focus.js";
import { html, useEffect, useRef } from "../html.js";
import { t, tn } from "../i18n.js";
import { statusLabel } from "../status.js";
import { dismissAllOver, isOver } from "../uploads.js";
import { Button } from "./button.js";
import { DocumentRow } from "./document_row.js";
import { Failure } from "./failure.js";
import { More } from "./more.js";
import { UploadRow } from "./upload_row.js";

const TYPING_MS = 250;
const FEW = 3; // failed uploads that are dismissed one by one
const STATUSES = ["PENDING", "RUNNING", "AVAILABLE", "FAILED", "CANCELLED"];

/** @param children what is above the page: it follows the title in tab order, before the list */
export function DocumentList({ documents, filters, uploads, tasks, selected, highlighted, children }) {
  const { items, next, loading, error, moreError } = documents;
  const isFiltered = Boolean(filters.search || filters.status);
  const isEmpty = !items.length && !uploads.length;
  const over = uploads.filter(isOver).length;
  return html`
    <div class="list-head">
      <h2 id="documents-title" tabindex="-1" class=${isEmpty && !loading && !error && !isFiltered ? "visually-hidden" : ""}>${t("Documents")}</h2>
      ${children}
      ${(!isEmpty || isFiltered || loading) && html`<${Filters} ...${filters} />`}
    </div>
    ${error && html`<${Failure} error=${error} onRetry=${loadDocuments} next="documents-title" />`}
    ${isEmpty && loading && html`<${Skeleton} />`}
    ${over > FEW && html`
      <${Button} icon="close" onClick=${dismissAllOver}>
        ${tn("Dismiss {count} file that was not uploaded", "Dismiss {count} files that were not uploaded", over)}
      <//>`}
    ${!isEmpty && html`
      <ul class="rows" role="list" aria-busy=${loading}>
        ${uploads.map((upload) => html`<${UploadRow} key=${`upload-${upload.id}`} upload=${upload} />`)}
        ${items.map((item) => html`
          <${DocumentRow} key=${item.id} item=${item} task=${tasks[item.task?.id]}
            isSelected=${selected.has(item.id)} isHighlighted=${item.id === highlighted} />`)}
      </ul>`}
    ${!items.length && !loading && !error && isFiltered && html`<${NoMatch} />`}
    <${More} hasMore=${next} loading=${loading} error=${moreError} onClick=${loadMoreDocuments} />`;
}

function Filters({ search, status, ordering }) {
  const typing = useRef(0);
  const name = useRef(null);
  const onType = (event) => {
    const { value } = event.target;
    clearTimeout(typing.current);
    typing.current = setTimeout(() => setFilters({ search: value.trim() }), TYPING_MS);
  };
  useEffect(() => () => clearTimeout(typing.current), []);
  useEffect(() => {
    if (!search && document.activeElement !== name.current) name.current.value = ""; // "Show all documents"
  }, [search]);
  const orders = {
    "-created_at": t("Newest first"),
    created_at: t("Oldest first"),
    name: t("Name, A to Z"),
    "-name": t("Name, Z to A"),
    "-size": t("Largest first"),
  };
  return html`
    <div class="filters" role="group" aria-label=${t("Filter the documents")}>
      <input ref=${name} class="input input-small" type="search" dir="auto" placeholder=${t("Filter by name")}
        aria-label=${t("Filter by name")} defaultValue=${search} onInput=${onType} />
      <select class="select" aria-label=${t("Status")} value=${status}
        onChange=${(event) => setFilters({ status: event.target.value })}>
        <option value="">${t("All statuses")}</option>
        ${STATUSES.map((value) => html`<option key=${value} value=${value}>${statusLabel(value)}</option>`)}
      </select>
      <select class="select" aria-label=${t("Order")} value=${ordering}
        onChange=${(event) => setFilters({ ordering: event.target.value })}>
        ${Object.entries(orders).map(([value, label]) => html`<option key=${value} value=${value}>${label}</option>`)}
      </select>
    </div>`;
}

function NoMatch() {
  const showAll = () => {
    setFilters({ search: "", status: "" });
    focusTitle("documents-title"); // the button disappears
  };
  return html`
    <div class="empty">
      <p class="empty-title">${t("No document matches these filters")}</p>
      <${Button} onClick=${showAll}>${t("Show all documents")}<//>
    </div>`;
}

const Skeleton = () => html`
  <div class="rows" role="status">
    <span class="visually-hidden">${t("Loading the documents…")}</span>
    ${[0, 1, 2, 3].map((index) => html`<div key=${index} class="row skeleton-row" aria-hidden="true"><i></i><b></b></div>`)}
  </div>`;
