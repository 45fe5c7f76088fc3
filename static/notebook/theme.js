// Classic and blocking on purpose: the saved theme is set before anything is painted.
{
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => root.dataset.theme ?? (prefersDark.matches ? "dark" : "light");

  const choose = (theme) => {
    const followsSystem = theme === (prefersDark.matches ? "dark" : "light");
    if (followsSystem) delete root.dataset.theme;
    else root.dataset.theme = theme;
    if (followsSystem) localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  };

  const label = (button) => {
    const text = current() === "dark" ? button.dataset.toLight : button.dataset.toDark;
    button.setAttribute("aria-label", text);
    button.title = text;
  };

  const saved = localStorage.getItem("theme");
  if (saved === "dark" || saved === "light") root.dataset.theme = saved;

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme-toggle");
    if (!button) return;
    label(button);
    prefersDark.addEventListener("change", () => label(button));
    button.addEventListener("click", () => {
      choose(current() === "dark" ? "light" : "dark");
      label(button);
    });
  });
}
