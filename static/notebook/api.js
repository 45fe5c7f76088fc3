/** The REST API over fetch. Every failure is a `Problem` whose message is shown to the user. */
import { t } from "./i18n.js";

const csrfToken = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export class Problem extends Error {
  constructor(message, { code = "unknown", status = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

let leaving = false;
/** Whether the user was signed out: no request can succeed any more. */
export const isLeaving = () => leaving;

export function goToLogin() {
  leaving = true;
  const here = encodeURIComponent(location.pathname + location.search);
  location.assign(`/login/?next=${here}`);
}

/** The message of a problem+json body, which may be anything if a proxy answered instead. */
function problemFrom(status, body) {
  if (status === 401 || body?.code === "not_authenticated") goToLogin();
  if (body?.code === "csrf_failed") {
    return new Problem(t("Your session has changed. Reload the page and try again."), body);
  }
  const fields = (body?.errors ?? []).map((error) => error.detail ?? "").filter(Boolean);
  const sentence = [body?.detail, ...fields].filter(Boolean).join(" ");
  const fallback = t("The server answered with an error ({status}).", { status });
  return new Problem(sentence || fallback, { code: body?.code, status });
}

const unreachable = () =>
  new Problem(t("The server can't be reached. Check your connection and try again."), { code: "network" });

async function request(path, { method = "GET", body, signal, keepalive } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken;
  if (body) headers["Content-Type"] = "application/json";
  const payload = body && JSON.stringify(body);
  const response = await fetch(path, { method, headers, body: payload, signal, keepalive }).catch((error) => {
    throw error.name === "AbortError" ? error : unreachable();
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw problemFrom(response.status, answer);
  return answer;
}

const withQuery = (path, query) =>
  `${path}?${new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""))}`;

/** The next page of a cursor list. Only the query is used, so a proxy's host name does not matter. */
export const nextPage = (path, next, signal) => request(path + new URL(next, location.href).search, { signal });

export const listDocuments = (query, signal) => request(withQuery("/api/documents/", query), { signal });
export const getDocument = (id) => request(`/api/documents/${id}/`);
/** `keepalive`: completes even if the page is closed meanwhile. */
export const deleteDocument = (id, { keepalive } = {}) => request(`/api/documents/${id}/`, { method: "DELETE", keepalive });
export const reprocessDocument = (id) => request(`/api/documents/${id}/reprocess/`, { method: "POST" });
export const getQuality = (id) => request(`/api/documents/${id}/quality/`);
export const chunksPath = (id) => `/api/documents/${id}/chunks/`;
export const listChunks = (id, query, signal) => request(withQuery(chunksPath(id), query), { signal });
export const fileUrl = (id) => `/api/documents/${id}/file/`;
/** Opens a PDF in the browser, at that page. */
export const pageUrl = (id, page) => `${fileUrl(id)}?inline=true#page=${page}`;
export const getTask = (id) => request(`/api/tasks/${id}/`);
export const historyPath = (id) => `/api/tasks/${id}/history/`;
export const getHistory = (id, signal) => request(historyPath(id), { signal });
export const cancelTask = (id) => request(`/api/tasks/${id}/cancel/`, { method: "POST" });
export const retryTask = (id) => request(`/api/tasks/${id}/retry/`, { method: "POST" });
export const search = (body, signal) => request("/api/search/", { method: "POST", body, signal });

/** Calls `onEvent(name, data)` for each event of the answer; resolves at its end. */
export async function ask(body, signal, onEvent) {
  const headers = { Accept: "text/event-stream, application/json", "X-CSRFToken": csrfToken, "Content-Type": "application/json" };
  const options = { method: "POST", headers, body: JSON.stringify(body), signal };
  const response = await fetch("/api/ask/", options).catch((error) => {
    throw error.name === "AbortError" ? error : unreachable();
  });
  if (!response.ok) throw problemFrom(response.status, await response.json().catch(() => null));
  const ended = await readEvents(response.body, onEvent).catch((error) => {
    throw error instanceof TypeError ? unreachable() : error;
  });
  if (!ended) throw unreachable();
}

/** Resolves to whether the last event was a final one. */
async function readEvents(stream, onEvent) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  let ended = false;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const events = (held + read.value).split("\n\n");
    held = events.pop();
    for (const event of events.filter((each) => each.startsWith("event:"))) {
      const [, name, data] = event.match(/^event: (.*)\ndata: (.*)$/);
      ended ||= name === "done";
      onEvent(name, JSON.parse(data));
    }
  }
  return ended;
}

/**
 * Upload with progress, which fetch can't report.
 * Resolves to `{created, document}`; `created` is false when the same bytes were here already.
 */
export function uploadDocument(file, { bulk, onProgress, signal }) {
  const form = new FormData();
  form.append("file", file, file.name);
  form.append("bulk", bulk);
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress(event.loaded / (event.total || 1));
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("Aborted", "AbortError"));
    request.onload = () => {
      if (request.status === 200 || request.status === 201) {
        resolve({ created: request.status === 201, document: request.response });
      } else reject(problemFrom(request.status, request.response));
    };
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", "/api/documents/");
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", csrfToken);
    request.setRequestHeader("Accept", "application/json");
    request.send(form);
  });
}
