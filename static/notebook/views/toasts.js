/** Short messages at the bottom of the page. They are announced in `notices.js`. */
import { focusNext, useKeptFocus } from "../focus.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { dismissToast } from "../notices.js";
import { Button, IconButton } from "./button.js";
import { Icon } from "./icons.js";

export function Toasts({ toasts }) {
  const group = useKeptFocus(focusNext);
  return html`
    <div ref=${group} class="toasts">
      ${toasts.map(({ id, text, isError, action }) => html`
        <div key=${id} class=${`toast${isError ? " toast-error" : ""}`}>
          <${Icon} name=${isError ? "alert" : "check"} /><span>${text}</span>
          ${action && html`<${Button} kind="button-small" onClick=${() => act(id, action)}>${action.label}<//>`}
          <${IconButton} icon="close" label=${t("Dismiss")} onClick=${() => dismissToast(id)} />
        </div>`)}
    </div>`;
}

function act(id, { run }) {
  dismissToast(id);
  run();
}
