/** The entry point: render the page, open the socket, load the list. */
import { goToLogin } from "./api.js";
import { withoutGoing } from "./deletions.js";
import { applySnapshot, loadDocuments } from "./documents.js";
import { html, render } from "./html.js";
import { t } from "./i18n.js";
import "./menu.js";
import { announce } from "./notices.js";
import { queryOfAddress, search, searchAgain } from "./search.js";
import { TaskSocket } from "./socket.js";
import { getState, setState, subscribe } from "./store.js";
import { retryFailedUploads } from "./uploads.js";
import { App } from "./views/app.js";
import { Connection } from "./views/connection.js";

const page = document.getElementById("app");
const connectionSlot = document.getElementById("connection");
let wasConnected = false;
let painting = 0;

const socket = new TaskSocket("/ws/tasks/", {
  onTask: applySnapshot,
  onSignedOut: goToLogin,
  onStatus: (connection) => {
    setState({ connection });
    if (connection.status !== "live") return;
    if (wasConnected) catchUp();
    wasConnected = true;
  },
});

function catchUp() {
  announce(t("The page is live again."));
  loadDocuments();
  retryFailedUploads();
  searchAgain();
}

function paint() {
  painting = 0;
  const state = withoutGoing(getState());
  render(html`<${Connection} ...${state.connection} />`, connectionSlot);
  render(html`<${App} state=${state} onReconnect=${() => socket.reconnect()} />`, page);
}

subscribe(() => {
  painting ||= requestAnimationFrame(paint);
});
page.replaceChildren();
paint();
socket.reconnect();
loadDocuments();
search(queryOfAddress());
