/** Where the focus goes when what had it is taken away. */
import { useLayoutEffect, useRef } from "./html.js";

/** Who uses the keyboard is shown where it is now; who uses a mouse stays where they read. */
export const focusTitle = (id) => show(document.getElementById(id));

/** The same for what has no focus of its own, such as a row. */
export function focusOn(element) {
  element.tabIndex = -1;
  show(element);
}

function show(element) {
  element.focus({ preventScroll: true });
  if (element.matches(":focus-visible")) element.scrollIntoView({ block: "nearest" });
}

/** Where to go on: in the panel while it is open, as all else is inert then, or at the list. */
export const focusNext = () => focusTitle(document.querySelector(".tab[aria-selected=true]")?.id ?? "documents-title");

/** Call it after a change of the state, which is painted before `next()` gives the focus to another. */
export function keepFocus(next = focusNext) {
  const had = document.activeElement;
  requestAnimationFrame(() => {
    if (!had.isConnected && document.activeElement === document.body) next();
  });
}

/** A ref for a group of buttons that come and go: who pressed one that goes stays near, at `next(group)`. */
export function useKeptFocus(next) {
  const group = useRef(null);
  const hadFocus = group.current?.contains(document.activeElement);
  useLayoutEffect(() => {
    if (hadFocus && document.activeElement === document.body) next(group.current)?.focus({ preventScroll: true });
  });
  return group;
}

/** A ref for a row's buttons: who pressed one that goes stays at the row's name. */
export const useRowFocus = () => useKeptFocus((actions) => actions.parentElement.querySelector(".row-name"));
