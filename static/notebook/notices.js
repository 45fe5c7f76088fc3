/** What is said once: to screen readers, and in a toast that everybody sees. */
import { setState } from "./store.js";

const TOAST_MS = 7000;
let lastId = 0;

export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

export function dismissToast(id) {
  setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
}

/** An error stays until it is dismissed. */
export function toast(text, { isError = false } = {}) {
  const id = ++lastId;
  setState(({ toasts }) => ({ toasts: [...toasts.slice(-3), { id, text, isError }] }));
  if (!isError) setTimeout(() => dismissToast(id), TOAST_MS);
  announce(text);
}

export const toastError = (problem) => toast(problem.message, { isError: true });
