/** Where the focus goes when what had it is taken away. */
import { useLayoutEffect, useRef } from "./html.js";

/** Who uses the keyboard is shown where it is now; who uses a mouse stays where they read. */
export function focusTitle(id) {
  const title = document.getElementById(id);
  title.focus({ preventScroll: true });
  if (title.matches(":focus-visible")) title.scrollIntoView({ block: "nearest" });
}

export const focusList = () => focusTitle("documents-title");

/** Call it after a change of the state, which is painted before the list gets the focus. */
export function keepFocus() {
  const had = document.activeElement;
  requestAnimationFrame(() => {
    if (!had.isConnected && document.activeElement === document.body) focusList();
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
