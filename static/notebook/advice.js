/** What to do about a failure, by error code; the server's message says what it is. */
import { t } from "./i18n.js";

const save = () => t("Open it, save it again or in another format, and upload the new file.");
const split = () => t("Split it and upload the parts.");
const later = () => t("Retry it later. Finished work is kept.");
const operator = () => t("Only the operator can fix this; retry it afterwards.");

const mayBeScan = ({ content_type: type }) => /pdf$|^image/.test(type);

const ADVICE = {
  corrupt_file: save,
  reader_crashed: save,
  too_complex: save,
  unsupported_type: save,
  no_text: (item) =>
    (mayBeScan(item) ? t("If it is a scan, scan it again with more contrast, or as text.") : ""),
  archive_bomb: split,
  file_too_large: split,
  too_many_pages: split,
  too_much_text: split,
  image_too_large: () => t("Reduce the picture's size and upload it again."),
  reader_timeout: split,
  reader_out_of_memory: split,
  out_of_memory: () => t("Retry it when the server is less busy, or split it and upload the parts."),
  embedding_unavailable: later,
  embedding_invalid: later,
  rate_limited: later,
  reader_lost: later,
  worker_lost: later,
  step_timeout: later,
  temporarily_unavailable: later,
  vectors_incomplete: later,
  embedding_auth: operator,
  model_not_found: operator,
  embedding_refused: operator,
  internal_error: operator,
};

/** The outcome depends on the file alone, whatever the operator sets: docs/errors.md. */
const ONLY_ANOTHER_FILE = new Set([
  "password_protected",
  "corrupt_file",
  "empty_file",
  "image_too_large",
  "source_missing",
  "checksum_mismatch",
  "subject_gone",
]);

/** Whether a retry could succeed. Of a scan, more pages may be read than before. */
export const mayHelp = (code, item) =>
  !ONLY_ANOTHER_FILE.has(code) && (code !== "no_text" || mayBeScan(item));
export const adviceOn = (code, item) => ADVICE[code]?.(item) ?? "";
