/** One socket for all of the user's tasks. It reconnects automatically and reports its state. */
const PING_MS = 25_000;
const SILENCE_MS = 10_000; // after a ping, or while connecting
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
const NOT_SIGNED_IN = 4401;

export class TaskSocket {
  #socket = null;
  #failures = 0;
  #retry = 0;
  #ping = 0;
  #silence = 0;
  #heard = false;

  /** @param handlers `onTask(snapshot)`, `onStatus({status, retryAt})`, `onSignedOut()` */
  constructor(path, handlers) {
    this.url = new URL(path, location.href);
    this.url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.handlers = handlers;
    addEventListener("online", () => this.reconnect());
    addEventListener("offline", () => this.#lost());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retry === 0 || this.reconnect());
  }

  /** Connect now, even if a later attempt is scheduled. */
  reconnect() {
    this.#drop();
    this.handlers.onStatus({ status: "connecting" });
    const socket = new WebSocket(this.url);
    socket.onopen = () => this.#beat();
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(event.code);
    this.#socket = socket;
    this.#expectAnswer();
  }

  #expectAnswer() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #receive(message) {
    clearTimeout(this.#silence);
    if (!this.#heard) this.handlers.onStatus({ status: "live" });
    this.#heard = true;
    this.#failures = 0;
    if (message.type === "task") this.handlers.onTask(message);
  }

  #beat() {
    this.#socket.send(JSON.stringify({ command: "ping" }));
    this.#expectAnswer();
    this.#ping = setTimeout(() => this.#beat(), PING_MS);
  }

  #lost(code) {
    this.#drop();
    if (code === NOT_SIGNED_IN) return this.handlers.onSignedOut();
    if (!navigator.onLine) return this.handlers.onStatus({ status: "offline" });
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    const wait = ceiling * (0.5 + Math.random() / 2); // jitter, so that clients don't all reconnect at once after a restart
    this.#retry = setTimeout(() => this.reconnect(), wait);
    this.handlers.onStatus({ status: "waiting", retryAt: Date.now() + wait });
  }

  #drop() {
    for (const timer of [this.#retry, this.#ping, this.#silence]) clearTimeout(timer);
    this.#retry = 0;
    this.#heard = false;
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }
}
