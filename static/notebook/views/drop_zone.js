/** Three ways to add files: drop anywhere, paste, choose. */
import { html, useEffect, useRef, useState } from "../html.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { addFiles, filesOfDrop, uploadLimit } from "../uploads.js";
import { Button } from "./button.js";
import { Icon } from "./icons.js";

const hasTouch = matchMedia("(hover: none)").matches; // nothing to drag from

export function DropZone({ isFirst }) {
  const picker = useRef(null);
  useEffect(listenForPaste, []);
  const choose = (event) => {
    addFiles(event.target.files);
    event.target.value = ""; // so that the same file can be chosen again
  };
  return html`
    <div class=${`drop-zone${isFirst ? " is-first" : ""}`}>
      <span class="drop-icon"><${Icon} name="upload" /></span>
      <div class="drop-words">
        <p class="drop-title">${title(isFirst)}</p>
        <p class="drop-hint">${isFirst && !hasTouch && t("Drop files anywhere on this page, paste them, or choose them.")} <${Limits} /></p>
      </div>
      <input ref=${picker} type="file" multiple hidden aria-label=${t("Files to upload")} onChange=${choose} />
      <${Button} kind=${isFirst ? "button-primary" : ""} onClick=${() => picker.current.click()}>${t("Choose files")}<//>
    </div>`;
}

function title(isFirst) {
  if (isFirst) return t("Add your first document");
  return hasTouch ? t("Add documents") : t("Drop files anywhere on this page");
}

function Limits() {
  const kinds = t("PDF, Office, pictures, web pages, Markdown, text, e-mail");
  if (!uploadLimit) return kinds;
  return t("{kinds}; up to {limit} MB each.", { kinds, limit: number(uploadLimit) });
}

function listenForPaste() {
  const onPaste = ({ clipboardData, target }) => meansText(clipboardData, target) || addFiles(clipboardData.files);
  addEventListener("paste", onPaste);
  return () => removeEventListener("paste", onPaste);
}

/** Copies from sheets or slides contain text and a picture of it; input fields take the text. */
function meansText({ types }, target) {
  return target.closest("input") && types.includes("text/plain") && types.includes("text/html");
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

/** Covers the page while files are dragged over it. */
export function DropOverlay() {
  const [isOver, setOver] = useState(false);
  useEffect(() => listenForDrops(setOver), []);
  if (!isOver) return null;
  return html`
    <div class="drop-overlay" aria-hidden="true">
      <p><${Icon} name="upload" />${t("Drop to add")}</p>
    </div>`;
}

function listenForDrops(setOver) {
  const listening = new AbortController();
  const on = (type, handle) =>
    addEventListener(type, (event) => carriesFiles(event) && handle(event), { signal: listening.signal });
  on("dragover", (event) => {
    event.preventDefault();
    setOver(true);
  });
  on("dragleave", (event) => event.relatedTarget || setOver(false)); // null: it left the window
  on("drop", async (event) => {
    event.preventDefault();
    setOver(false);
    addFiles(await filesOfDrop(event.dataTransfer));
  });
  return () => listening.abort();
}
