/**
 * Reads server-sent events out of the text of a response, whatever its pieces are.
 *
 * EventSource would do this too, but it hides what an operator must be told (the status with
 * which a proxy refuses), cannot resume where a stopped page left off, and wakes the page once
 * for each of thousands of events a second, where a piece of the body brings dozens of them.
 */
export class EventReader {
  /** @param take called as take(type, data, id) for each event, id "" where it has none */
  constructor(take) {
    this._take = take;
    this._rest = "";
  }

  /** The next piece of text; an event is told as soon as its last line is complete. */
  push(piece) {
    let text = this._rest + piece;
    const half = text.endsWith("\r") ? "\r" : ""; // its \n may be the next piece
    if (half) text = text.slice(0, -1);
    if (text.includes("\r")) text = text.replace(/\r\n?/g, "\n");
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n\n", start);
      if (end < 0) break;
      this._event(text.slice(start, end));
      start = end + 2;
    }
    this._rest = text.slice(start) + half;
  }

  _event(block) {
    let type = "message";
    let id = "";
    let data = null;
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon === 0) continue; // a comment, sent to keep the line open
      const field = colon < 0 ? line : line.slice(0, colon);
      let value = colon < 0 ? "" : line.slice(colon + 1);
      if (value.startsWith(" ")) value = value.slice(1);
      if (field === "data") data = data === null ? value : `${data}\n${value}`;
      else if (field === "event") type = value;
      else if (field === "id") id = value;
    }
    if (data !== null) this._take(type, data, id);
  }
}
