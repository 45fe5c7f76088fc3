/** An upload in progress, at the top of the list. */
import { useRowFocus } from "../focus.js";
import { fileSize, percent } from "../format.js";
import { html, memo } from "../html.js";
import { t } from "../i18n.js";
import { dismissUpload, isOver, retryUpload } from "../uploads.js";
import { Button, IconButton } from "./button.js";
import { FileTile, Icon } from "./icons.js";

export const UploadRow = memo(({ upload }) => {
  const { id, file, state, error } = upload;
  const { name } = file;
  const actions = useRowFocus();
  const hasEnded = isOver(upload);
  return html`
    <li class="row row-upload" data-upload=${state}>
      <span class="row-choice" aria-hidden="true"></span>
      <${FileTile} name=${name} />
      <div class="row-words">
        <p class="row-name" dir="auto" title=${name} tabindex="-1">${name}</p>
        <p class="facts"><span>${fileSize(file.size)}</span><span>${stage(upload)}</span></p>
      </div>
      <div ref=${actions} class="row-actions">
        ${state === "failed" && html`<${Button} kind="button-small" icon="retry" onClick=${() => retryUpload(id)}>${t("Retry")}<//>`}
        <${IconButton} icon="close" onClick=${() => dismissUpload(id)}
          label=${hasEnded ? t("Dismiss {name}", { name }) : t("Cancel the upload of {name}", { name })} />
      </div>
      ${!hasEnded && html`<progress class="upload-progress" max="1" value=${upload.sent} aria-label=${t("Upload of {name}", { name })}></progress>`}
      ${hasEnded && html`<p class="reason"><${Icon} name="alert" /><span>${error}</span></p>`}
    </li>`;
});

function stage({ state, sent }) {
  if (state === "queued") return t("Waiting to upload");
  if (state === "refused" || state === "failed") return t("Not uploaded");
  if (sent >= 1) return t("Saving…");
  return t("Uploading {percent}", { percent: percent(Math.round(sent * 100)) });
}
