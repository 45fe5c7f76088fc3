/** The search field and its restriction to documents. */
import { ask, canAsk, clearAnswer } from "../ask.js";
import { focusTitle } from "../focus.js";
import { html, useState } from "../html.js";
import { t, tn } from "../i18n.js";
import { clearSearch, search, searchIn } from "../search.js";
import { IconButton } from "./button.js";
import { Icon } from "./icons.js";

export function SearchBox({ search: { query, running }, selected }) {
  const [text, setText] = useState(query || null);
  const value = text ?? query;
  const submit = (event) => {
    event.preventDefault();
    search(value);
  };
  const clear = () => {
    setText("");
    clearSearch();
    clearAnswer();
    document.getElementById("search-query").focus();
  };
  /** During text composition (IME), as for Chinese, keys belong to it. */
  const onKey = ({ key, isComposing }) => key === "Escape" && !isComposing && clear();
  return html`
    <search>
      <form class="search" onSubmit=${submit}>
        <h1 class="visually-hidden">${t("Your documents")}</h1>
        <label class="visually-hidden" for="search-query">${t("Search your documents")}</label>
        <div class="search-field">
          <${Icon} name="search" />
          <input id="search-query" type="search" dir="auto" enterkeyhint="search" autocomplete="off" maxlength="1000"
            placeholder=${selected.size ? t("Search the selected documents") : t("Search your documents")}
            value=${value} onInput=${(event) => setText(event.target.value)}
            onKeyDown=${onKey} />
          ${value ? html`<${IconButton} icon="close" label=${t("Clear the search")} onClick=${clear} />` : html`<kbd aria-hidden="true">/</kbd>`}
          <button class="button button-primary" type="submit" aria-busy=${running}>${t("Search")}</button>
          ${canAsk && html`<button class="button" type="button" disabled=${!value.trim()} onClick=${() => ask(value)}>${t("Ask")}</button>`}
        </div>
        <${Scope} count=${selected.size} query=${query} />
      </form>
    </search>`;
}

function Scope({ count, query }) {
  if (!count) return null;
  const searchAll = () => {
    searchIn(new Set());
    focusTitle(query ? "hits-title" : "search-query"); // the button disappears
  };
  return html`
    <p class="scope">
      ${tn("Searching in {count} selected document", "Searching in {count} selected documents", count)}
      <button type="button" class="link" onClick=${searchAll}>${t("Search all instead")}</button>
    </p>`;
}
