/** Whether the page is live: in the header, and as a banner if not. */
import { focusNext, useKeptFocus } from "../focus.js";
import { html, useEffect, useState } from "../html.js";
import { t } from "../i18n.js";

const BANNER_AFTER_MS = 1500;

export function Connection({ status }) {
  const labels = {
    live: t("Live"),
    connecting: t("Connecting…"),
    waiting: t("Reconnecting…"),
    offline: t("Offline"),
  };
  return html`
    <p class=${`connection connection-${status}`}>
      <span class="dot" aria-hidden="true"></span><span>${labels[status]}</span>
    </p>`;
}

/** Whether a loss lasts, so that a deploy of a second goes unnoticed. */
export function useLoss({ status }) {
  const [lasting, setLasting] = useState(false);
  const lost = status !== "live";
  useEffect(() => {
    if (!lost) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), BANNER_AFTER_MS);
    return () => clearTimeout(timer);
  }, [lost]);
  return lost && lasting;
}

export function Banner({ isLost, status, retryAt, onRetry }) {
  const banner = useKeptFocus(focusNext);
  if (!isLost) return null;
  const text = status === "offline"
    ? t("You are offline. What you see may be out of date; it is updated when you are back online.")
    : t("The live connection is lost. What you see may be out of date.");
  return html`
    <div ref=${banner} class="banner" role="status">
      <span>${text} ${status === "waiting" && html`<${Countdown} until=${retryAt} />`}</span>
      <button type="button" class="button button-small" onClick=${onRetry}>${t("Reconnect now")}</button>
    </div>`;
}

function Countdown({ until }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(1, Math.ceil((until - now) / 1000));
  return html`<span aria-hidden="true">${t("Next try in {seconds} s.", { seconds })}</span>`;
}
