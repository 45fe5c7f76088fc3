/** The account menu closes when the keyboard leaves it, as it does when somebody clicks elsewhere. */
const menu = document.getElementById("account");

menu.addEventListener("focusout", ({ relatedTarget: next }) => {
  const isItsButton = next?.matches(`[popovertarget=${menu.id}]`);
  if (next && !isItsButton && !menu.contains(next)) menu.hidePopover();
});
