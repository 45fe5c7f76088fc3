/** The page: put the parts together, open the socket, read the list. */
import { goToLogin } from "./api.js";
import { applySnapshot, loadDocuments } from "./documents.js";
import { html, render } from "./html.js";
import { queryOfAddress, search } from "./search.js";
import { TaskSocket } from "./socket.js";
import { getState, setState, subscribe } from "./store.js";
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
    if (wasConnected) loadDocuments();
    wasConnected = true;
  },
});

function paint() {
  painting = 0;
  const state = getState();
  render(html`<${Connection} ...${state.connection} onRetry=${() => socket.reconnect()} />`, connectionSlot);
  render(html`<${App} state=${state} />`, page);
}

subscribe(() => {
  painting ||= requestAnimationFrame(paint);
});
page.replaceChildren();
paint();
socket.reconnect();
loadDocuments();
search(queryOfAddress());
