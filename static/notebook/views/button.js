/** Buttons: an icon that says its name, or a word with an icon. */
import { html } from "../html.js";
import { Icon } from "./icons.js";

/** `label` is read aloud and shown as the tooltip; it names the thing, not only the act. */
export function IconButton({ icon, label, onClick, kind = "" }) {
  return html`
    <button type="button" class=${`icon-button ${kind}`} aria-label=${label} title=${label} onClick=${onClick}>
      <${Icon} name=${icon} />
    </button>`;
}

/** What the second click of a double click hits was not there, or was something else, at the first. */
export const atFirstClick = (run) => ({ detail: clicks }) => clicks < 2 && run();

export function Button({ icon, children, onClick, kind = "", ...rest }) {
  return html`
    <button type="button" class=${`button ${kind}`} onClick=${onClick} ...${rest}>
      ${icon && html`<${Icon} name=${icon} />`}<span>${children}</span>
    </button>`;
}
