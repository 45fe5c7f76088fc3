/** A failure message, and a button to try again. */
import { focusTitle } from "../focus.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { Button } from "./button.js";
import { Icon } from "./icons.js";

/** @param next the id of the element that gets the focus when the button disappears */
export function Failure({ error, onRetry, next }) {
  const tryAgain = () => {
    onRetry();
    focusTitle(next);
  };
  return html`
    <p class="notice notice-error" role="alert">
      <${Icon} name="alert" /><span>${error}</span>
      <${Button} kind="button-small" onClick=${tryAgain}>${t("Try again")}<//>
    </p>`;
}
