/**
 * The line to the daemon: everything once, then each change as it happens, for as long as wanted.
 *
 * A lost line is taken up again by itself, from the last event that arrived where the daemon
 * still knows it, else from a new whole.
 */
import { EventReader } from "./sse.js";

const SILENCE_MS = 45000; // the daemon sends something at least three times in this time
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 10000;

export class Feed {
  /**
   * @param hear what is told: whole(entries), entry(entry), gone(id), line(state, why) where
   *   state is "connecting", "live", "lost" or "stopped", and time(ms), the daemon's clock
   */
  constructor(hear) {
    this._hear = hear;
    this._run = null;
    this._last = "";
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

  async _keep(stopped) {
    let wait = FIRST_WAIT_MS;
    this._hear.line("connecting", "");
    while (!stopped.aborted) {
      const line = new AbortController();
      const hangUp = () => line.abort();
      stopped.addEventListener("abort", hangUp);
      let why = "";
      try {
        await this._listen(line, () => {
          wait = FIRST_WAIT_MS;
        });
      } catch (error) {
        why = error instanceof Refused ? error.message : "";
      }
      line.abort();
      stopped.removeEventListener("abort", hangUp);
      if (stopped.aborted) return;
      this._hear.line("lost", why);
      await sleep(wait * (0.8 + 0.4 * Math.random()), stopped);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
  }

  /** One connection, from its opening to its end. */
  async _listen(line, opened) {
    const watchdog = new Watchdog(SILENCE_MS, () => line.abort());
    try {
      const response = await fetch("events", {
        cache: "no-store",
        headers: this._last
          ? { Accept: "text/event-stream", "Last-Event-ID": this._last }
          : { Accept: "text/event-stream" },
        signal: line.signal,
      });
      this._check(response);
      let early = [];
      const reader = new EventReader((type, data, id) => {
        if (early) early.push([type, data, id]);
        else this._event(type, data, id);
      });
      const whole = this._whole(line).then(() => {
        for (const event of early) this._event(...event);
        early = null;
        opened();
        this._hear.line("live", "");
      });
      whole.catch(() => line.abort());
      const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await pieces.read();
        if (done) break;
        watchdog.pat();
        reader.push(value);
      }
      await whole;
    } finally {
      watchdog.stop();
    }
  }

  async _whole(line) {
    const response = await fetch("samples", { signal: line.signal });
    this._check(response);
    const { samples } = await response.json();
    this._hear.whole(samples);
  }

  _check(response) {
    const date = Date.parse(response.headers.get("Date"));
    if (date) this._hear.time(date);
    if (!response.ok) throw new Refused(`HTTP ${response.status}`);
  }

  _event(type, data, id) {
    if (id) this._last = id;
    if (type === "sample") this._hear.entry(JSON.parse(data));
    else if (type === "gone") this._hear.gone(JSON.parse(data).mms_stream_id);
  }
}

/** The daemon, or a proxy before it, answered with an error. */
class Refused extends Error {}

class Watchdog {
  constructor(ms, bark) {
    this._ms = ms;
    this._bark = bark;
    this.pat();
  }

  pat() {
    clearTimeout(this._timer);
    this._timer = setTimeout(this._bark, this._ms);
  }

  stop() {
    clearTimeout(this._timer);
  }
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
