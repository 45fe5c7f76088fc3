/** The page's strings: from Django's JavaScript catalogue if it is loaded, otherwise English. */
export const language = document.documentElement.lang || "en";

const fill = (text, params) =>
  text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));

/** `t("Page {page}", {page: 3})` */
export function t(text, params = {}) {
  return fill(window.gettext?.(text) ?? text, params);
}

/** `tn("{count} page", "{count} pages", 3)`; `{count}` is formatted for the user's locale. */
export function tn(one, many, count) {
  const text = window.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  return fill(text, { count: new Intl.NumberFormat(language).format(count) });
}

/** Translates a server message with English numbers: "12 of 40 pages have no text". */
export function sentence(text) {
  const numbers = [];
  const pattern = text.replace(/\d+%?/g, (found) => `{${numbers.push(found) - 1}}`);
  return t(pattern, numbers);
}
