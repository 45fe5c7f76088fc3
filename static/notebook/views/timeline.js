/** The five steps of a task: as a live bar in the list, and as a list with all details. */
import { adviceOn } from "../advice.js";
import { duration, percent, serverNow } from "../format.js";
import { html, useEffect, useState } from "../html.js";
import { t } from "../i18n.js";
import { describeDetails, statusLabel } from "../status.js";
import { Icon } from "./icons.js";
import { WarningList } from "./quality.js";

const STEPS = 5;
const TICK_MS = 200;

/** @param progress what to show before the first snapshot arrives */
export function Timeline({ task, label, progress }) {
  const steps = task?.task_details ?? Array.from({ length: STEPS }, (_, id) => ({ id, status: "PENDING", progress: 0 }));
  const whole = task?.progress ?? progress;
  return html`
    <div class=${`timeline${steps.every(isUntouched) ? " is-idle" : ""}`} role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${whole}
      aria-label=${t("Processing {name}", { name: label })} aria-valuetext=${valueText(steps, whole)}>
      ${steps.map((step) => html`<${Segment} key=${step.id} step=${step} />`)}
    </div>`;
}

const isUntouched = ({ status, started_at, error_message }) => status === "PENDING" && !started_at && !error_message;

function valueText(steps, whole) {
  const current = steps.find(({ status }) => status === "RUNNING");
  return current?.step_name ? `${percent(whole)}, ${current.step_name}` : percent(whole);
}

function Segment({ step }) {
  const share = step.status === "COMPLETED" ? 1 : step.progress / 100;
  return html`
    <div class=${`segment segment-${step.status.toLowerCase()}`} data-step=${step.step_type}>
      <span class="segment-bar"><span class="segment-fill" style=${{ transform: `scaleX(${share})` }}></span></span>
      <span class="segment-name">${step.step_name}</span>
      <span class="segment-state"><${StepState} step=${step} /></span>
    </div>`;
}

/** "0.4 s", "42%, 1.3 s", or the word of the status. */
function StepState({ step }) {
  const { status } = step;
  if (status === "RUNNING") return html`${percent(step.progress)} · <${Elapsed} since=${step.started_at} />`;
  if (status === "COMPLETED") return took(step);
  if (status === "PENDING" && step.error_message) return t("Trying again");
  return status === "CANCELLED" && !step.started_at ? t("Not started") : statusLabel(status);
}

const took = ({ started_at: from, completed_at: to }) =>
  from && to ? duration(Date.parse(to) - Date.parse(from)) : statusLabel("COMPLETED");

function Elapsed({ since }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return since ? duration(serverNow() - Date.parse(since)) : statusLabel("RUNNING");
}

export function StepList({ task, item }) {
  const advice = adviceOn(task.error_code, item);
  return html`
    <ol class="steps">
      ${task.task_details.map((step) => html`<${StepItem} key=${step.id} step=${step} advice=${advice} />`)}
    </ol>`;
}

const ICONS = { COMPLETED: "check", FAILED: "alert", CANCELLED: "stop", PENDING: "clock" };

function StepItem({ step, advice }) {
  const words = describeDetails(step);
  return html`
    <li class=${`step step-${step.status.toLowerCase()}`} data-step=${step.step_type}>
      <span class="step-mark">
        ${step.status === "RUNNING" ? html`<span class="spinner" aria-hidden="true"></span>` : html`<${Icon} name=${ICONS[step.status]} />`}
      </span>
      <div class="step-words">
        <p class="step-head"><span class="step-name">${step.step_name}</span><span class="visually-hidden">, ${statusLabel(step.status)},</span> <span class="step-time"><${StepState} step=${step} /></span></p>
        ${step.status === "RUNNING" && html`<progress max="100" value=${step.progress} aria-label=${step.step_name}></progress>`}
        ${words.length > 0 && html`<p class="step-details">${words.map((word) => html`<span key=${word}>${word}</span>`)}</p>`}
        ${step.error_message && html`<p class="step-error">${step.error_message}${step.status === "FAILED" && advice && html` <span class="advice">${advice}</span>`}</p>`}
        <${WarningList} warnings=${step.details?.warnings ?? []} />
      </div>
    </li>`;
}
