/** What to do about a failure, by error code; the server's message says what it is. */
import { t } from "./i18n.js";

const save = () => t("Open it, save it again or in another format, and upload the new file.");
const split = () => t("Split it and upload the parts.");
const later = () => t("Retry it later. Finished work is kept.");
const operator = () => t("Only the operator can fix this; retry it afterwards.");

const ADVICE = {
  corrupt_file: save,
  reader_crashed: save,
  reader_timeout: save,
  too_complex: save,
  no_text: ({ content_type: type }) =>
    (/pdf$|^image/.test(type) ? t("If it is a scan, scan it again with more contrast, or as text.") : ""),
  archive_bomb: split,
  too_many_pages: split,
  too_much_text: split,
  image_too_large: () => t("Reduce the picture's size and upload it again."),
  reader_out_of_memory: split,
  out_of_memory: split,
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
  internal_error: later,
};

const ONLY_ANOTHER_FILE = new Set(["password_protected", "source_missing", "checksum_mismatch"]);

/** Whether a retry could succeed. */
export const mayHelp = (code) => !ONLY_ANOTHER_FILE.has(code);
export const adviceOn = (code, item) => ADVICE[code]?.(item) ?? "";
