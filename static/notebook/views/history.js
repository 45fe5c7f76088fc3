/** What happened to a document's task, when and why. */
import { getHistory, nextPage, historyPath } from "../api.js";
import { moment } from "../format.js";
import { html, useEffect, useState } from "../html.js";
import { t, tn } from "../i18n.js";
import { Button } from "./button.js";
import { Icon } from "./icons.js";

export function History({ task }) {
  const { entries, next, error, loadMore } = useHistory(task);
  if (error) return html`<p class="notice notice-error" role="alert"><${Icon} name="alert" />${error}</p>`;
  if (!entries) return html`<p class="loading" role="status"><span class="spinner" aria-hidden="true"></span>${t("Loading…")}</p>`;
  if (!entries.length) return html`<p class="empty">${t("Nothing was written down.")}</p>`;
  return html`
    <ol class="history">
      ${entries.map((entry, index) => html`<${Entry} key=${entry.id} entry=${entry} before=${entries[index - 1]} />`)}
    </ol>
    ${next && html`<${Button} kind="button-wide" onClick=${loadMore}>${t("Load more")}<//>`}`;
}

/** Read again whenever the task has something new to tell. */
function useHistory(task) {
  const [state, setState] = useState({ entries: null, next: null, error: "" });
  const run = async (answer, before, isStale = () => false) => {
    try {
      const { results, next } = await answer;
      if (!isStale()) setState({ entries: [...before, ...results], next, error: "" });
    } catch (problem) {
      if (!isStale()) setState((now) => ({ ...now, error: problem.message }));
    }
  };
  useEffect(() => {
    let isOver = false;
    run(getHistory(task.task_id), [], () => isOver);
    return () => { isOver = true; };
  }, [task.task_id, tellsNews(task)]);
  const loadMore = () => run(nextPage(historyPath(task.task_id), state.next), state.entries);
  return { ...state, loadMore };
}

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
