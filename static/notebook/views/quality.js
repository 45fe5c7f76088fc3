/** Reading quality of a document: warnings, and the full report. */
import { getQuality } from "../api.js";
import { languageName, number, percent } from "../format.js";
import { html, useEffect, useState } from "../html.js";
import { sentence, t, tn } from "../i18n.js";
import { Icon } from "./icons.js";

const EXTRACTION = "TEXT_EXTRACTION";

/** Next to a document in the list, from its newest task. */
export function Warnings({ task }) {
  const step = task?.task_details.find(({ step_type }) => step_type === EXTRACTION);
  return html`<${WarningList} warnings=${step?.details?.warnings ?? []} />`;
}

export function WarningList({ warnings }) {
  if (!warnings.length) return null;
  return html`
    <ul class="warnings" aria-label=${t("Warnings")}>
      ${warnings.map((warning) => html`<li key=${warning}><${Icon} name="alert" /><span>${sentence(warning)}</span></li>`)}
    </ul>`;
}

/** Above the passages of a document. */
export function Quality({ item }) {
  const [quality, setQuality] = useState(null);
  useEffect(() => {
    getQuality(item.id).then(setQuality, () => setQuality(null)); // a missing report is no reason to fail
  }, [item.id]);
  if (!quality) return null;
  return html`
    <section class="quality" aria-label=${t("Reading quality")}>
      <${WarningList} warnings=${quality.warnings ?? []} />
      <details>
        <summary>${t("Reading quality")}</summary>
        <dl>${facts(quality).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
      </details>
    </section>`;
}

function facts(quality) {
  const { pages, characters, language, garbled, tables, dropped_repeats, empty_pages, ocr_pages, ocr_confidence } = quality;
  return [
    [t("Pages"), pages],
    [t("Pages without text"), empty_pages],
    [t("Pages read by OCR"), ocr_pages],
    [t("OCR's confidence"), ocr_confidence === undefined ? null : percent(ocr_confidence * 100)],
    [t("Characters"), characters],
    [t("Garbled characters"), garbled === undefined ? null : share(garbled)],
    [t("Tables"), tables],
    [t("Repeated lines left out"), dropped_repeats],
    [t("Language"), language ? languageName(language) : null],
  ].flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, typeof value === "number" ? number(value) : value]]));
}

const share = (part) => (part > 0 && part < 0.01 ? t("under {percent}", { percent: percent(1) }) : percent(part * 100));

/** The same in the words of a step, limited to noteworthy items. */
export const DESCRIBED = {
  tables: (value) => value && tn("{count} table", "{count} tables", value),
  empty_pages: (value) => value && tn("{count} page without text", "{count} pages without text", value),
  ocr_pages: (value) => value && tn("{count} page read by OCR", "{count} pages read by OCR", value),
  ocr_confidence: (value) => t("OCR confidence {percent}", { percent: percent(value * 100) }),
  dropped_repeats: (value) => value && tn("{count} repeated line left out", "{count} repeated lines left out", value),
  garbled: (value) => value && t("{share} of the characters are garbled", { share: share(value) }),
  garbled_pages: (value) => value && tn("{count} page with unusable text", "{count} pages with unusable text", value),
  undecodable: (value) => value && t("{share} of the text could not be decoded", { share: share(value) }),
  language: (value) => value && languageName(value),
  characters: (value) => tn("{count} character of text", "{count} characters of text", value),
};
