/** A document in the list: its name, status and actions. */
import { fileUrl } from "../api.js";
import { adviceOn, mayHelp } from "../advice.js";
import { deleteDocument } from "../deletions.js";
import { cancel, openPanel, reprocess, retry, toggleSelected } from "../documents.js";
import { useRowFocus } from "../focus.js";
import { dateTime, fileSize, languageName, percent, timeAgo } from "../format.js";
import { html, memo, useEffect, useRef, useState } from "../html.js";
import { t, tn } from "../i18n.js";
import { displayStatus, isLive, statusLabel } from "../status.js";
import { atFirstClick, Button, IconButton } from "./button.js";
import { FileTile, Icon } from "./icons.js";
import { Warnings } from "./quality.js";
import { Timeline } from "./timeline.js";
import { Waiting } from "./waiting.js";

const MINUTE_MS = 60_000;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export const DocumentRow = memo(({ item, task, isSelected, isHighlighted }) => {
  const status = displayStatus(item, task);
  const row = useRef(null);
  useEffect(() => {
    const behavior = reducedMotion.matches ? "instant" : "smooth"; // browsers don't see to it
    if (isHighlighted) row.current.scrollIntoView({ block: "center", behavior });
  }, [isHighlighted]);
  return html`
    <li ref=${row} class=${`row${isHighlighted ? " is-highlighted" : ""}`} data-document=${item.id} data-status=${status}>
      <${Choice} item=${item} isSelected=${isSelected} />
      <${FileTile} name=${item.name} />
      <div class="row-words">
        <button type="button" class="row-name" dir="auto" title=${item.name} onClick=${() => openPanel(item.id)}>${item.name}</button>
        <${Facts} item=${item} />
      </div>
      <${StatusChip} status=${status} progress=${task?.progress ?? item.task?.progress} />
      <${RowActions} item=${item} task=${task} status=${status} />
      ${isLive(status) && html`<${Timeline} task=${task} label=${item.name} progress=${item.task?.progress ?? 0} />`}
      ${isLive(status) && html`<${Waiting} task=${task} />`}
      ${status === "AVAILABLE" && html`<${Warnings} task=${task} />`}
      <${Reason} item=${item} task=${task} status=${status} />
    </li>`;
});

function Choice({ item, isSelected }) {
  const label = t("Search in {name}", { name: item.name });
  return html`
    <input class="row-choice" type="checkbox" aria-label=${label} title=${label} checked=${isSelected}
      disabled=${!item.chunk_count && !isSelected} onChange=${() => toggleSelected(item.id)} />`;
}

export function Facts({ item }) {
  const facts = [
    fileSize(item.size),
    item.page_count && tn("{count} page", "{count} pages", item.page_count),
    item.chunk_count && tn("{count} passage", "{count} passages", item.chunk_count),
    item.language && languageName(item.language),
  ].filter(Boolean);
  return html`
    <p class="facts">
      ${facts.map((fact) => html`<span key=${fact}>${fact}</span>`)}
      <${TimeAgo} time=${item.created_at} />
    </p>`;
}

function TimeAgo({ time }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<time datetime=${time} title=${dateTime(time)}>${timeAgo(time)}</time>`;
}

const ICONS = { PENDING: "clock", AVAILABLE: "check", FAILED: "alert", CANCELLED: "stop" };

export function StatusChip({ status, progress }) {
  return html`
    <span class=${`chip chip-${status.toLowerCase()}`}>
      ${status === "RUNNING" ? html`<span class="spinner" aria-hidden="true"></span>` : html`<${Icon} name=${ICONS[status]} />`}
      ${statusLabel(status)}
      ${status === "RUNNING" && html`<span class="chip-progress">${percent(progress ?? 0)}</span>`}
    </span>`;
}

function RowActions({ item, task, status }) {
  const { name } = item;
  const group = useRowFocus();
  return html`
    <div ref=${group} class="row-actions" role="group" aria-label=${t("Actions for {name}", { name })}>
      ${isLive(status) && html`<${Button} kind="button-small" onClick=${atFirstClick(() => cancel(item))} aria-label=${t("Cancel {name}", { name })}>${t("Cancel")}<//>`}
      ${canRetry(item, status, task) && html`<${Button} kind="button-small" icon="retry" onClick=${atFirstClick(() => retry(item))} aria-label=${t("Retry {name}", { name })}>${t("Retry")}<//>`}
      ${status === "AVAILABLE" && html`<${IconButton} icon="retry" label=${t("Reprocess {name}", { name })} onClick=${atFirstClick(() => reprocess(item))} />`}
      <a class="icon-button" href=${fileUrl(item.id)} download aria-label=${t("Download {name}", { name })} title=${t("Download {name}", { name })}><${Icon} name="download" /></a>
      <${IconButton} icon="trash" kind="is-danger" label=${t("Delete {name}", { name })} onClick=${atFirstClick(() => deleteDocument(item))} />
    </div>`;
}

const codeOf = (item, task) => task?.error_code ?? item.error_code ?? item.task?.error_code;

export const canRetry = (item, status, task) =>
  item.task && (status === "CANCELLED" || (status === "FAILED" && mayHelp(codeOf(item, task), item)));

/** Why it failed; or why the last reprocessing failed, while the earlier result is kept. */
function Reason({ item, task, status }) {
  const failed = status === "FAILED" || (status === "AVAILABLE" && item.task?.status === "FAILED");
  if (!failed) return null;
  const reason = task?.error_message || item.error_message || item.task?.error_message || t("The reason is not known.");
  const advice = adviceOn(codeOf(item, task), item);
  return html`
    <p class="reason"><${Icon} name="alert" /><span>${reason}${advice && html` <span class="advice">${advice}</span>`}</span></p>`;
}
