/**
 * The line to the daemon: everything once, then each change as it happens, for as long as wanted.
 *
 * The whole carries the number of the newest change in it, and the events are asked for from that
 * number on, so nothing is missed between the two.  A lost line is taken up again by itself where
 * it broke; where the daemon cannot tell what was missed, or that is long ago, from a new whole.
 */
import { EventReader } from "./sse.js";

const SILENCE_MS = 25000; // the daemon sends something every 15 s
const WHOLE_MS = 120000; // ten thousand streams over a bad line
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 10000;
const STALE_MS = 10000; // after so long nearly all has changed, and the whole is smaller packed

export class Feed {
  /**
   * @param hear what is told: whole(entries), first(entries) where that comes earlier, entry(entry), gone(id), line(state, why) where
   *   state is "connecting", "live", "lost" or "stopped", and time(ms), the daemon's clock
   * @param first the address of what the window shows first, or null: the whole may take a second
   */
  constructor(hear, first) {
    this._hear = hear;
    this._first = first;
    this._run = null;
    this._last = ""; // the id of the newest event
    this._heard = 0; // when that was
    this._hurry = () => {};
  }

  /** Connect, and stay connected until stop(). */
  start() {
    if (this._run) return;
    this._run = new AbortController();
    this._keep(this._run.signal);
  }

  /** Close the line; nothing is heard and nothing costs until start(). */
  stop() {
    if (!this._run) return;
    this._run.abort();
    this._run = null;
    this._hear.line("stopped", "");
  }

  /** Where the line is lost: try again now. */
  hurry() {
    this._hurry();
  }

  async _keep(stopped) {
    let wait = FIRST_WAIT_MS;
    let atOnce = true; // whether what was missed may be fetched without a wait: once a connection
    this._hear.line("connecting", "");
    while (!stopped.aborted) {
      const line = new AbortController();
      const hangUp = () => line.abort();
      stopped.addEventListener("abort", hangUp);
      let why = "";
      try {
        await this._listen(line, () => {
          wait = FIRST_WAIT_MS;
          atOnce = true;
          this._hear.line("live", "");
        });
      } catch (error) {
        if (error instanceof Refused) why = error.message;
        if (error instanceof Missed) {
          this._last = "";
          if (atOnce && !stopped.aborted) {
            atOnce = false;
            continue;
          }
        }
      } finally {
        line.abort();
        stopped.removeEventListener("abort", hangUp);
      }
      if (stopped.aborted) return;
      this._hear.line("lost", why);
      await this._rest(wait * (0.8 + 0.4 * Math.random()), stopped);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
  }

  /** One connection, from its opening to its end. */
  async _listen(line, opened) {
    const watchdog = new Watchdog(() => line.abort());
    watchdog.pat(WHOLE_MS);
    try {
      if (!this._last || performance.now() - this._heard > STALE_MS) {
        this._last = await this._whole(line);
      }
      const headers = { Accept: "text/event-stream" };
      if (this._last) headers["Last-Event-ID"] = this._last;
      const response = await fetch("events", { cache: "no-store", headers, signal: line.signal });
      this._check(response);
      watchdog.pat(SILENCE_MS);
      const reader = new EventReader((type, data, id) => {
        this._event(type, data, id);
        if (type === "hello") opened();
      });
      const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await pieces.read();
        if (done) return;
        watchdog.pat(SILENCE_MS);
        this._heard = performance.now();
        reader.push(value);
      }
    } finally {
      watchdog.stop();
    }
  }

  /** Fetch everything; returns the id of the newest event in it, "" where a proxy hides it. */
  async _whole(line) {
    const arrived = new AbortController();
    line.signal.addEventListener("abort", () => arrived.abort());
    if (this._first) this._glance(arrived.signal);
    this._first = null;
    const response = await fetch("samples", { signal: line.signal });
    this._check(response);
    const { samples } = await response.json();
    arrived.abort();
    this._hear.whole(samples);
    this._heard = performance.now();
    const [, id] = /^(?:W\/)?"(.+-\d+)-[0-9a-f]+"$/.exec(response.headers.get("ETag")) || [];
    return id || "";
  }

  async _glance(signal) {
    try {
      const response = await fetch(this._first, { signal });
      const { samples } = await response.json();
      if (response.ok && !signal.aborted) this._hear.first(samples);
    } catch {
      // the whole is under way, and says what is wrong
    }
  }

  _check(response) {
    const date = Date.parse(response.headers.get("Date"));
    if (date) this._hear.time(date);
    if (!response.ok) throw new Refused(`HTTP ${response.status}`);
  }

  _event(type, data, id) {
    if (type === "sample") this._hear.entry(JSON.parse(data));
    else if (type === "gone") this._hear.gone(JSON.parse(data).mms_stream_id);
    else if (type === "hello" && JSON.parse(data).follows === "everything") throw new Missed();
    if (id) this._last = id;
  }

  _rest(ms, signal) {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", over);
        resolve();
      };
      const timer = setTimeout(over, ms);
      signal.addEventListener("abort", over);
      this._hurry = over;
    });
  }
}

/** The daemon, or a proxy before it, answered with an error. */
class Refused extends Error {}

/** More was missed than can be told: only a new whole is right. */
class Missed extends Error {}

class Watchdog {
  constructor(bark) {
    this._bark = bark;
  }

  /** All is well for so long. */
  pat(ms) {
    clearTimeout(this._timer);
    this._timer = setTimeout(this._bark, ms);
  }

  stop() {
    clearTimeout(this._timer);
  }
}
