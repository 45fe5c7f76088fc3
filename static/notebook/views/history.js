/** The history of a document's task: what happened, when and why. */
import { getHistory, historyPath } from "../api.js";
import { moment } from "../format.js";
import { html } from "../html.js";
import { t, tn } from "../i18n.js";
import { Reading, Rest, usePages } from "./pages.js";

export function History({ task }) {
  const pages = useHistory(task);
  const { items: entries, error, read } = pages;
  if (!entries) return html`<${Reading} error=${error} onRetry=${read} />`;
  if (!entries.length) return html`<p class="empty">${t("No history was recorded.")}</p>`;
  return html`
    <ol class="history">
      ${entries.map((entry, index) => html`<${Entry} key=${entry.id} entry=${entry} before=${entries[index - 1]} />`)}
    </ol>
    <${Rest} pages=${pages} />`;
}

/** Reloads whenever the task has changed. */
const useHistory = (task) =>
  usePages(historyPath(task.task_id), (signal) => getHistory(task.task_id, signal), [task.task_id, tellsNews(task)]);

const tellsNews = ({ status, attempt, task_details: steps }) =>
  [status, attempt, ...steps.map(({ status: state, error_message: reason }) => `${state}${reason ?? ""}`)].join();

function Entry({ entry, before }) {
  const isNewAttempt = entry.attempt > 1 && entry.attempt !== before?.attempt;
  return html`
    ${isNewAttempt && html`<li class="history-attempt">${t("Attempt {attempt}", { attempt: entry.attempt })}</li>`}
    <li class=${`history-entry history-${entry.event.toLowerCase()}`}>
      <${When} entry=${entry} />
      <div>
        <p class="history-head"><strong>${entry.event_name}</strong>${origin(entry).map((word) => html`<span key=${word}>${word}</span>`)}</p>
        ${entry.reason && html`<p class="history-reason">${entry.reason}</p>`}
      </div>
    </li>`;
}

function When({ entry }) {
  const { created_at: first, last_at: last, times } = entry;
  return html`
    <p class="history-time">
      <time datetime=${first}>${moment(first)}</time>
      ${times > 1 && html`<span>${t("until {time}", { time: moment(last) })}</span><span>${tn("{count} time", "{count} times", times)}</span>`}
    </p>`;
}

function origin({ by, step_name }) {
  const who = { owner: t("by you"), staff: t("by staff") };
  return [who[by], step_name].filter(Boolean);
}
