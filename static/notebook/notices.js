/** One-time messages: for screen readers, and as a visible toast. */
import { setState } from "./store.js";

const TOAST_MS = 7000;
const ANNOUNCED_MS = 10000;
let lastId = 0;

/** Each message is a separate line, so that two at the same time are both read out. */
export function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  announcer().append(line);
  setTimeout(() => line.remove(), ANNOUNCED_MS);
}

/** While a modal dialog is open everything else is inert, and inert content is not read out. */
const announcer = () => document.querySelector("dialog > .announcer") ?? document.getElementById("announcer");

export function dismissToast(id) {
  setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
}

/**
 * An error stays until it is dismissed.
 * @param action what a button in it does: `{label, run}`
 */
export function toast(text, { isError = false, lasts = TOAST_MS, action } = {}) {
  const id = ++lastId;
  setState(({ toasts }) => ({ toasts: [...withRoom(toasts), { id, text, isError, action }] }));
  if (!isError) setTimeout(() => dismissToast(id), lasts);
  announce(text);
}

/** At most four, plus those that can still be undone. */
const withRoom = (toasts) => toasts.filter(({ action }, place) => action || place >= toasts.length - 3);

export const toastError = (problem) => toast(problem.message, { isError: true });
