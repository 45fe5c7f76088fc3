/** Buttons: an icon with a label for screen readers, or a word with an icon. */
import { html } from "../html.js";
import { Icon } from "./icons.js";

/** `label` is read aloud and shown as the tooltip; it names the object, not only the action. */
export function IconButton({ icon, label, onClick, kind = "" }) {
  return html`
    <button type="button" class=${`icon-button ${kind}`} aria-label=${label} title=${label} onClick=${onClick}>
      <${Icon} name=${icon} />
    </button>`;
}

/** Ignores the second click of a double click, if the button appeared or changed in between. */
export const atFirstClick = (run) => ({ detail: clicks }) => clicks < 2 && run();

export function Button({ icon, children, onClick, kind = "", ...rest }) {
  return html`
    <button type="button" class=${`button ${kind}`} onClick=${onClick} ...${rest}>
      ${icon && html`<${Icon} name=${icon} />`}<span>${children}</span>
    </button>`;
}
