/** What a live task is waiting for: its place in the queue, a reason, or its completion. */
import { duration, number, serverNow } from "../format.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { Icon } from "./icons.js";

const TELLING_MS = 5000;
const TELLING_PERCENT = 10;
const ROUND_MS = 5000; // more precision would be misleading

export function Waiting({ task }) {
  const steps = task?.task_details ?? [];
  const next = steps.find(({ status }) => status === "PENDING");
  const runs = steps.some(({ status }) => status === "RUNNING");
  const words = runs ? untilEnd(task) : next && (next.error_message || turn(next.details.queue));
  return words && html`<p class="waiting"><${Icon} name="clock" /><span>${words}</span></p>`;
}

/** The remaining time at the speed so far; nothing while that is unreliable. */
function untilEnd({ progress, task_details: steps }) {
  const passed = steps.reduce((sum, step) => sum + timeIn(step), 0);
  if (passed < TELLING_MS || progress < TELLING_PERCENT) return "";
  const left = (passed * (100 - progress)) / progress;
  return t("About {time} left", { time: duration(ROUND_MS * Math.ceil(left / ROUND_MS)) });
}

/** Per step, as nothing is done between attempts. */
function timeIn({ started_at: from, completed_at: to }) {
  return from ? (to ? Date.parse(to) : serverNow()) - Date.parse(from) : 0;
}

function turn(queue) {
  if (!queue) return "";
  const position = number(queue.position);
  return queue.seconds === null
    ? t("Number {position} in the queue", { position })
    : t("Number {position} in the queue, its turn comes in about {time}", { position, time: duration(queue.seconds * 1000) });
}
