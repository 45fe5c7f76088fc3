/** Asks before a document goes. */
import { deleteDocument } from "../documents.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { setState } from "../store.js";
import { Button } from "./button.js";
import { Dialog } from "./dialog.js";

const close = () => setState({ deleting: null });

export function DeleteDialog({ item }) {
  if (!item) return null;
  const confirm = () => {
    close();
    deleteDocument(item);
  };
  return html`
    <${Dialog} kind="dialog" role="alertdialog" labelledBy="delete-title" describedBy="delete-words" onClose=${close}>
      <h2 id="delete-title">${t("Delete this document?")}</h2>
      <p id="delete-words">
        ${t("“{name}”, its passages and its place in the search go for good.", { name: item.name })}
      </p>
      <div class="dialog-actions">
        <${Button} onClick=${close} autofocus=${true}>${t("Keep it")}<//>
        <${Button} kind="button-danger" onClick=${confirm}>${t("Delete")}<//>
      </div>
    <//>`;
}
