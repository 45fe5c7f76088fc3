/** The button for more of the list that stands right before it. */
import { html, useLayoutEffect, useRef } from "../html.js";
import { t } from "../i18n.js";

/** It is rendered without `hasMore` too: who pressed it goes on at the first of what came. */
export function More({ hasMore, loading, onClick, label = t("Load more") }) {
  const button = useRef(null);
  const last = useRef(null); // of the list, when it was pressed
  useLayoutEffect(() => {
    const first = last.current?.nextElementSibling;
    if (first && isFree(button.current)) focusOn(first);
    if (first) last.current = null;
  });
  const press = () => {
    last.current = button.current.previousElementSibling.lastElementChild;
    onClick();
  };
  if (!hasMore) return null;
  return html`
    <button ref=${button} type="button" class="button button-wide" onClick=${press} aria-busy=${loading}>
      ${loading ? t("Loading…") : label}
    </button>`;
}

/** Nobody has taken the focus elsewhere meanwhile. */
const isFree = (button) => [document.body, button].includes(document.activeElement);

function focusOn(element) {
  element.tabIndex = -1;
  element.focus({ preventScroll: true }); // it stands where the button stood
}
