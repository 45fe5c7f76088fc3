/** Moves the focus when the focused element is removed. */
import { useLayoutEffect, useRef } from "./html.js";

/** Keyboard users see the new focus; for mouse users the page does not scroll. */
export const focusTitle = (id) => show(document.getElementById(id));

/** The same for elements that can't have the focus themselves, such as rows. */
export function focusOn(element) {
  element.tabIndex = -1;
  show(element);
}

function show(element) {
  element.focus({ preventScroll: true });
  if (!element.matches(":focus-visible")) return;
  const reveal = () => document.activeElement === element && element.scrollIntoView({ block: "nearest" });
  reveal();
  requestAnimationFrame(() => requestAnimationFrame(reveal)); // what came into view above it may have grown
}

/** The next focus: in the open panel, as everything else is inert then, otherwise the list. */
export const focusNext = () => focusTitle(document.querySelector(".tab[aria-selected=true]")?.id ?? "documents-title");

/** Call after a state change: once it is rendered, `next()` moves the focus. */
export function keepFocus(next = focusNext) {
  const had = document.activeElement;
  requestAnimationFrame(() => {
    if (!had.isConnected && document.activeElement === document.body) next();
  });
}

/** A ref for a group of buttons that may disappear: if the pressed one does, the focus goes to `next(group)`. */
export function useKeptFocus(next) {
  const group = useRef(null);
  const hadFocus = group.current?.contains(document.activeElement);
  useLayoutEffect(() => {
    if (hadFocus && document.activeElement === document.body) next(group.current)?.focus({ preventScroll: true });
  });
  return group;
}

/** A ref for a row's buttons: if the pressed one disappears, the focus goes to the row's name. */
export const useRowFocus = () => useKeptFocus((actions) => actions.parentElement.querySelector(".row-name"));
