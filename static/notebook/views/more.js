/** The button for more of the list that stands right before it. */
import { focusOn } from "../focus.js";
import { html, useLayoutEffect, useRef } from "../html.js";
import { t } from "../i18n.js";
import { Icon } from "./icons.js";

/** It is rendered without `hasMore` too: who pressed it goes on at the first of what came. */
export function More({ hasMore, loading, error, onClick, label = t("Load more") }) {
  const box = useRef(null);
  const last = useRef(null); // of the list, when it was pressed
  useLayoutEffect(() => {
    const first = last.current?.nextElementSibling;
    if (!first) return;
    if (isFree(box.current)) focusOn(first);
    last.current = null;
  });
  const press = () => {
    last.current = box.current.previousElementSibling.lastElementChild;
    onClick();
  };
  if (!hasMore) return null;
  return html`
    <div ref=${box} class="more">
      ${error && html`<p class="notice notice-error" role="alert"><${Icon} name="alert" /><span>${error}</span></p>`}
      <button type="button" class="button button-wide" onClick=${press} aria-busy=${loading}>
        ${loading ? t("Loading…") : error ? t("Try again") : label}
      </button>
    </div>`;
}

/** Nobody has taken the focus elsewhere meanwhile. */
const isFree = (box) => document.activeElement === document.body || box?.contains(document.activeElement);
