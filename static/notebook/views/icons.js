/** Line icons on a 24-unit grid, and the tile that shows a file's type. */
import { html } from "../html.js";

const PATHS = {
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.3 15.3 20 20",
  upload: "M12 15.5V4.5M7.5 8.8 12 4.3l4.5 4.5M4.5 15v2.5a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V15",
  download: "M12 4.5v11M7.5 11.2 12 15.7l4.5-4.5M4.5 19.5h15",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.2 10.5v5.5M13.8 10.5v5.5",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  check: "M5.5 12.5l4.2 4.2 8.8-9.2",
  alert: "M12 8v5M12 16.4v.1M12 3.8 2.8 19.5h18.4z",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.3l2.8 1.7",
  stop: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM6.4 6.4l11.2 11.2",
  open: "M13.5 4.5h6v6M19.5 4.5l-8.5 8.5M10 5.5H4.5v14h14V14",
  more: "M6 9.5l6 6 6-6",
  book: "M12 6.5C10 5 7.5 4.5 4.5 4.5v13c3 0 5.5.5 7.5 2 2-1.5 4.5-2 7.5-2v-13c-3 0-5.5.5-7.5 2zM12 6.5v13",
};

export function Icon({ name }) {
  return html`<svg class=${`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

const FAMILIES = {
  pdf: ["pdf"],
  text: ["doc", "docx", "odt", "rtf", "txt", "md", "rst", "epub", "org"],
  table: ["xls", "xlsx", "ods", "csv", "tsv", "json"],
  slides: ["ppt", "pptx", "odp"],
  web: ["html", "htm", "xml", "eml", "msg"],
  image: ["png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "gif", "heic"],
};

export function FileTile({ name }) {
  const found = /\.([a-z0-9]{1,5})$/i.exec(name);
  const extension = found ? found[1].toLowerCase() : "";
  const family = Object.keys(FAMILIES).find((key) => FAMILIES[key].includes(extension)) ?? "other";
  return html`<span class=${`tile tile-${family}`} aria-hidden="true">${extension || "…"}</span>`;
}
