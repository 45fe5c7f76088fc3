/** Short messages at the foot of the page. They are announced in `notices.js`. */
import { html } from "../html.js";
import { t } from "../i18n.js";
import { dismissToast } from "../notices.js";
import { IconButton } from "./button.js";
import { Icon } from "./icons.js";

export function Toasts({ toasts }) {
  return html`
    <div class="toasts">
      ${toasts.map(({ id, text, isError }) => html`
        <div key=${id} class=${`toast${isError ? " toast-error" : ""}`}>
          <${Icon} name=${isError ? "alert" : "check"} /><span>${text}</span>
          <${IconButton} icon="close" label=${t("Dismiss")} onClick=${() => dismissToast(id)} />
        </div>`)}
    </div>`;
}
