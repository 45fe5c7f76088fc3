/** What is said once: to screen readers, and in a toast that everybody sees. */
import { setState } from "./store.js";

const TOAST_MS = 7000;
const ANNOUNCED_MS = 10000;
let lastId = 0;

/** Each has a line of its own, so that two in one moment are both read out. */
export function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  announcer().append(line);
  setTimeout(() => line.remove(), ANNOUNCED_MS);
}

/** While a modal dialog is open all else is inert, and nothing inert is read out. */
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

/** Four are enough, but what can still be undone stays. */
const withRoom = (toasts) => toasts.filter(({ action }, place) => action || place >= toasts.length - 3);

export const toastError = (problem) => toast(problem.message, { isError: true });
