/** Why a task does not move right now: its place in the queue, or what it waits for. */
import { duration, number } from "../format.js";
import { html } from "../html.js";
import { t } from "../i18n.js";
import { Icon } from "./icons.js";

export function Waiting({ task }) {
  const steps = task?.task_details ?? [];
  const next = steps.find(({ status }) => status === "PENDING");
  if (!next || steps.some(({ status }) => status === "RUNNING")) return null;
  const words = next.error_message || turn(next.details.queue);
  return words && html`<p class="waiting"><${Icon} name="clock" /><span>${words}</span></p>`;
}

function turn(queue) {
  if (!queue) return "";
  const position = number(queue.position);
  return queue.seconds === null
    ? t("Number {position} in the queue", { position })
    : t("Number {position} in the queue, its turn comes in about {time}", { position, time: duration(queue.seconds * 1000) });
}
