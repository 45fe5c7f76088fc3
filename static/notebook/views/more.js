/** The button that loads more of the list before it. */
import { focusOn } from "../focus.js";
import { html, useLayoutEffect, useRef } from "../html.js";
import { t } from "../i18n.js";
import { Icon } from "./icons.js";

/** Also rendered without `hasMore`: after a click the focus moves to the first new item. */
export function More({ hasMore, loading, error, onClick, label = t("Load more") }) {
  const box = useRef(null);
  const last = useRef(null); // the last item when it was pressed
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

/** Whether the focus is still there. */
const isFree = (box) => document.activeElement === document.body || box?.contains(document.activeElement);
