/**
 * The page: brings its parts together.
 */
import * as address from "./address.js";
import { Catalogue } from "./catalogue.js";
import { Daemon } from "./daemon.js";
import { byId } from "./element.js";
import { Feed } from "./feed.js";
import { Folds } from "./folds.js";
import { Format } from "./format.js";
import { Header } from "./header.js";
import { Keys } from "./keys.js";
import { List } from "./list.js";
import { firstPage, fromAddress, Sorter, toAddress } from "./order.js";
import { Pasts } from "./pasts.js";
import { Rhythm } from "./rhythm.js";
import { prepare } from "./row.js";
import { Scores } from "./scores.js";
import { Sentry } from "./sentry.js";
import { Servers } from "./servers.js";
import { Store } from "./store.js";
import { choose, LANGUAGES } from "./texts.js";
import { Tools } from "./tools.js";

const FIRST = 60; // streams, more than a window shows
const BEAT_MS = 1000;
const SOON_MS = 60; // after the first of a burst of entries, and after scrolling
const HIDDEN_MS = 5000; // how long a hidden tab still listens: who only looks elsewhere comes back
const TIDY_FROM = 1000; // with fewer streams the browser may remember how all of them look

class Page {
  constructor() {
    const words = address.words();
    const code = choose(words.get("lang"), navigator.languages);
    document.documentElement.lang = code;
    document.documentElement.classList.toggle("wall", words.has("wall"));
    this.at = byId();
    this.format = new Format(code, LANGUAGES[code]);
    this.order = fromAddress(words);
    this.line = { state: "connecting", why: "", since: performance.now() };
    this._skew = 0;
    this._soon = 0; // the timer of a beat before the next regular one
    this._beaten = 0;
    this._stopped = false;
    this._parts(code);
    this._listen();
  }

  /** The daemon's clock, ms since 1970. */
  now() {
    return Date.now() + this._skew;
  }

  /** Order by something else from now on. */
  reorder(order) {
    this.order = order;
    address.put({ sort: null, group: null, ...toAddress(order) });
    this.tools.ordered();
    this.rhythm.now();
  }

  /** Stop, or go on. */
  stop(stopped) {
    this._stopped = stopped;
    if (stopped) this.feed.stop();
    else this.feed.start();
    this.beat();
  }

  get stopped() {
    return this._stopped;
  }

  beat() {
    clearTimeout(this._soon);
    this._soon = 0;
    this._beaten = performance.now();
    if (document.hidden) return;
    if (this.line.state === "live") this.daemon.beat();
    const sums = this.store.filled ? this.store.sum() : null;
    this.header.show(sums, this.line, this.now(), this.daemon.troubles);
    this.servers.show(this.daemon.servers, sums);
    this.tools.beat(this.rhythm.beat(), this.folds.missing);
    if (!this.store.filled) return;
    const view = this.list.beat();
    if (this.line.state === "live") {
      this.pasts.want(view);
      this.folds.beat();
    }
    if (this.store.entries.size > TIDY_FROM) this.list.tidy();
  }

  _parts(code) {
    const { at, format } = this;
    this.store = new Store();
    this.scores = new Scores();
    this.sorter = new Sorter(code);
    this.daemon = new Daemon();
    prepare(at.stream);
    this.list = new List({
      table: at.streams,
      template: at.stream,
      store: this.store,
      scores: this.scores,
      format,
      changed: (row, entry) => this.folds.changed(row, entry),
      now: () => this.now(),
    });
    const looks = { format, catalogue: new Catalogue(format.texts), now: () => this.now() };
    this.folds = new Folds({ table: at.streams, list: this.list, store: this.store, looks });
    this.rhythm = new Rhythm(() => this._sort());
    this.keys = new Keys({
      table: at.streams, list: this.list, folds: this.folds, touch: () => this.rhythm.touch(),
    });
    this.header = new Header(at, format, (state) => this._next(state));
    this.servers = new Servers(at, format);
    this.tools = new Tools(this, code);
    this.pasts = new Pasts((row, points) => {
      const told = points.every((point) => point.failed)
        || points.some((point) => point.score !== null);
      if (points.length && told) {
        this.scores.fill(row.id, points);
        this.list.redraw(row);
      }
      return told;
    });
    this.sentry = new Sentry((line, worst) => this.header.title(line, worst, null));
    this.feed = new Feed({
      whole: (entries) => this._whole(entries),
      first: (entries) => this._first(entries),
      entry: (entry) => this._entry(entry),
      gone: (id) => this._gone(id),
      line: (state, why) => this._lineIs(state, why),
      time: (ms) => {
        this._skew = ms + 500 - Date.now(); // the header tells whole seconds
      },
    }, firstPage(this.order, FIRST));
  }

  _listen() {
    const root = document.documentElement;
    new ResizeObserver(() => {
      root.style.setProperty("--top", `${this.at.header.offsetHeight}px`);
    }).observe(this.at.header);
    let hiding = 0;
    const look = () => {
      clearTimeout(hiding);
      this.sentry.stop();
      if (!document.hidden) this._wake();
      else hiding = setTimeout(() => this._sleep(), HIDDEN_MS);
    };
    document.addEventListener("visibilitychange", look);
    addEventListener("online", () => this.feed.hurry());
    addEventListener("scroll", () => this._beatSoon(0), { passive: true });
    addEventListener("beforeprint", () => this.list.catchUp());
    addEventListener("keydown", (event) => {
      // just before the browser searches the page, all of it is up to date
      if (event.key === "F3" || (event.key === "f" && (event.ctrlKey || event.metaKey))) {
        this.list.catchUp();
      }
    });
    this.feed.start();
    look();
  }

  /** Nobody looks: hear nothing, do nothing; only the tab's title is kept true. */
  _sleep() {
    clearInterval(this._pulse);
    if (this._stopped) return;
    this.feed.stop();
    this.sentry.start();
  }

  _wake() {
    clearInterval(this._pulse);
    this._pulse = setInterval(() => this.beat(), BEAT_MS);
    if (!this._stopped) this.feed.start();
    this.beat();
  }

  _beatSoon(rest) {
    const wait = Math.max(SOON_MS, this._beaten + rest - performance.now());
    this._soon ||= setTimeout(() => this.beat(), wait);
  }

  _whole(entries) {
    const first = !this.store.filled;
    for (const id of this.store.fill(entries)) this.list.dropped(id);
    for (const entry of entries) {
      this.scores.add(entry);
      if (!first) this.list.changed(entry);
    }
    // at first everything is put in order; later that is the rhythm's business
    if (first) this.rhythm.now();
    this.beat();
  }

  _first(entries) {
    for (const entry of entries) this.store.put(entry);
    this.list.first(entries);
    this.keys.arranged();
  }

  _entry(entry) {
    this.store.put(entry);
    this.scores.add(entry);
    this.list.changed(entry);
    this._beatSoon(BEAT_MS * 0.9);
  }

  _gone(id) {
    this.store.drop(id);
    this.scores.drop(id);
    this.list.dropped(id);
    this._beatSoon(BEAT_MS * 0.9);
  }

  _lineIs(state, why) {
    this.line = { state, why, since: performance.now() };
    document.documentElement.dataset.line = state;
    if (state !== "live") this.pasts.want([]); // what is under way ends, and nothing follows it
    this.beat();
  }

  async _sort() {
    const sorted = this.sorter.sort([...this.store.entries.values()], this.order);
    const groups = this.order.grouped ? this.sorter.group(sorted) : [[null, sorted]];
    await this.list.order(groups, (...heading) => this.tools.heading(...heading));
    this.keys.arranged();
    this.folds.arrive();
  }

  /** Go to the next stream of a state, from the one that has the focus on. */
  _next(state) {
    const rows = this.list.inOrder();
    const from = rows.findIndex((row) => row.line.contains(document.activeElement)) + 1;
    const row = [...rows.slice(from), ...rows.slice(0, from)].find((one) => one.state === state);
    if (row) this.keys.go(row);
  }
}

new Page().folds.follow();
