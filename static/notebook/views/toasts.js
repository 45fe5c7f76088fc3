/** Short messages at the foot of the page. They are announced in `notices.js`. */
import { keepFocus } from "../focus.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { dismissToast } from "../notices.js";
import { Button, IconButton } from "./button.js";
import { Icon } from "./icons.js";

export function Toasts({ toasts }) {
  return html`
    <div class="toasts">
      ${toasts.map(({ id, text, isError, action }) => html`
        <div key=${id} class=${`toast${isError ? " toast-error" : ""}`}>
          <${Icon} name=${isError ? "alert" : "check"} /><span>${text}</span>
          ${action && html`<${Button} kind="button-small" onClick=${() => act(id, action)}>${action.label}<//>`}
          <${IconButton} icon="close" label=${t("Dismiss")} onClick=${() => dismiss(id)} />
        </div>`)}
    </div>`;
}

function dismiss(id) {
  dismissToast(id);
  keepFocus();
}

function act(id, { run }) {
  dismiss(id);
  run();
}
