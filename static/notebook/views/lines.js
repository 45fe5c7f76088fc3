/** Text of a document, line by line, as each line has its own direction. */
import { html } from "../html.js";

/** @param parts `[{text, marked}]` */
export function Lines({ parts }) {
  return linesOf(parts).map((line) => html`
    <span class="line" dir="auto">${line.map(({ text, marked }) => (marked ? html`<mark>${text}</mark>` : text))}</span>`);
}

/** The parts of each line, including its line break, so that copied text has it too. */
function linesOf(parts) {
  const lines = [[]];
  for (const { text, marked } of parts) {
    for (const piece of text.split(/(?<=\n)/)) {
      lines.at(-1).push({ text: piece, marked });
      if (piece.endsWith("\n")) lines.push([]);
    }
  }
  return lines;
}
