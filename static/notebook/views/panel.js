/** One document in full: its steps, its passages, and its history. */
import { fileUrl } from "../api.js";
import { deleteDocument } from "../deletions.js";
import { cancel, fetchTask, openPanel, reprocess, retry } from "../documents.js";
import { useKeptFocus } from "../focus.js";
import { html, useEffect, useState } from "../html.js";
import { t } from "../i18n.js";
import { displayStatus, isLive } from "../status.js";
import { setState } from "../store.js";
import { atFirstClick, Button, IconButton } from "./button.js";
import { Dialog } from "./dialog.js";
import { canRetry, Facts, StatusChip } from "./document_row.js";
import { History } from "./history.js";
import { FileTile, Icon } from "./icons.js";
import { Reading } from "./pages.js";
import { Passages } from "./passages.js";
import { StepList } from "./timeline.js";

const close = () => setState({ panel: null });

/** @param children what is above everything else, which is inert while the panel is open */
export function Panel({ panel, item, task, children }) {
  if (!panel || !item) return null;
  return html`
    <${Dialog} key=${item.id} kind="panel" labelledBy="panel-title" onClose=${close}>
      <header class="panel-head">
        <${FileTile} name=${item.name} />
        <div class="panel-title">
          <h2 id="panel-title" dir="auto">${item.name}</h2>
          <${Facts} item=${item} />
        </div>
        <${IconButton} icon="close" label=${t("Close")} onClick=${close} />
      </header>
      <${PanelActions} item=${item} task=${task} status=${displayStatus(item, task)} />
      <${Tabs} panel=${panel} />
      <div class="panel-body" role="tabpanel" id="panel-body" aria-labelledby=${`tab-${panel.tab}`} tabindex="0">
        <${TabBody} panel=${panel} item=${item} task=${task} />
      </div>
      ${children}
    <//>`;
}

function TabBody({ panel, item, task }) {
  if (panel.tab === "passages") {
    return html`<${Passages} key=${`${item.id} ${item.updated_at}`} item=${item} target=${panel.chunk} />`;
  }
  return html`<${OfTask} item=${item} task=${task} view=${panel.tab === "history" ? History : Steps} />`;
}

function PanelActions({ item, task, status }) {
  const group = useKeptFocus(() => document.querySelector(".tab[aria-selected=true]"));
  return html`
    <div ref=${group} class="panel-actions">
      <${StatusChip} status=${status} progress=${task?.progress} />
      ${isLive(status) && html`<${Button} kind="button-small" onClick=${atFirstClick(() => cancel(item))}>${t("Cancel")}<//>`}
      ${canRetry(item, status, task) && html`<${Button} kind="button-small" icon="retry" onClick=${atFirstClick(() => retry(item))}>${t("Retry")}<//>`}
      ${status === "AVAILABLE" && html`<${Button} kind="button-small" icon="retry" onClick=${atFirstClick(() => reprocess(item))}>${t("Reprocess")}<//>`}
      <a class="button button-small" href=${fileUrl(item.id)} download><${Icon} name="download" /><span>${t("Original")}</span></a>
      <${Button} kind="button-small button-danger-quiet" icon="trash" onClick=${atFirstClick(() => deleteDocument(item))}>${t("Delete")}<//>
    </div>`;
}

/** The arrow keys move between tabs, as in the ARIA tabs pattern. */
function Tabs({ panel }) {
  const tabs = [["steps", t("Steps")], ["passages", t("Passages")], ["history", t("History")]];
  const onKey = (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    const at = tabs.findIndex(([key]) => event.target.id === `tab-${key}`); // keys may be faster than rendering
    const other = tabs.at((at + move) % tabs.length)[0];
    openPanel(panel.id, other);
    document.getElementById(`tab-${other}`).focus();
  };
  return html`
    <div class="tabs" role="tablist" aria-label=${t("About the document")} onKeyDown=${onKey}>
      ${tabs.map(([key, label]) => html`
        <button key=${key} type="button" role="tab" id=${`tab-${key}`} aria-controls="panel-body" class="tab"
          aria-selected=${panel.tab === key} tabindex=${panel.tab === key ? 0 : -1} onClick=${() => openPanel(panel.id, key)}>
          ${label}
        </button>`)}
    </div>`;
}

/** The content about the document's task, once it is loaded. */
function OfTask({ item, task, view: View }) {
  const [error, setError] = useState("");
  const taskId = item.task?.id;
  const read = () => {
    setError("");
    if (taskId) fetchTask(taskId).catch((problem) => setError(problem.message));
  };
  useEffect(read, [taskId]);
  if (!taskId) return html`<p class="empty">${t("This document was never processed.")}</p>`;
  if (task) return html`<${View} task=${task} item=${item} />`;
  return html`<${Reading} error=${error} onRetry=${read} />`;
}

function Steps({ task, item }) {
  return html`
    ${task.attempt > 1 && html`<p class="attempt">${t("Attempt {attempt}", { attempt: task.attempt })}</p>`}
    <${StepList} task=${task} item=${item} />`;
}
