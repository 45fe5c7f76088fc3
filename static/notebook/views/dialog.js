/** A native modal dialog: the browser traps the focus, and restores it. */
import { html, useLayoutEffect, useRef } from "../html.js";

export function Dialog({ kind, labelledBy, onClose, children }) {
  const element = useRef(null);
  useLayoutEffect(() => openWhileMounted(element.current), []);
  const pressed = useRef(null);
  const onBackdrop = ({ target }) => target === element.current && pressed.current === target && onClose();
  return html`
    <dialog ref=${element} class=${kind} aria-labelledby=${labelledBy}
      onClose=${() => element.current && onClose()}
      onPointerDown=${({ target }) => { pressed.current = target; }} onClick=${onBackdrop}>
      <div class="dialog-body">${children}</div>
      <div class="announcer visually-hidden" role="status" aria-live="polite" aria-atomic="false"></div>
    </dialog>`;
}

function openWhileMounted(dialog) {
  const cameFrom = document.activeElement;
  dialog.showModal();
  return () => {
    dialog.close();
    if (cameFrom.isConnected) cameFrom.focus();
    else document.getElementById("app").focus({ preventScroll: true });
  };
}
