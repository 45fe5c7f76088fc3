/** Where the focus goes when what had it is taken away. */
import { useLayoutEffect, useRef } from "./html.js";

export const focusList = () => document.getElementById("documents-title").focus();

export function keepFocus() {
  if (document.activeElement === document.body) focusList();
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
