/** Closes the account menu when the keyboard focus leaves it, like a click elsewhere does. */
const menu = document.getElementById("account");

menu.addEventListener("focusout", ({ relatedTarget: next }) => {
  const isItsButton = next?.matches(`[popovertarget=${menu.id}]`);
  if (next && !isItsButton && !menu.contains(next)) menu.hidePopover();
});
