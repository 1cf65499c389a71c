/**
 * The page: brings the parts together and beats the time.
 */
import * as address from "./address.js";
import { Feed } from "./feed.js";
import { facts } from "./fields.js";
import { Format } from "./format.js";
import { Header } from "./header.js";
import { List } from "./list.js";
import { fromAddress, Sorter, toAddress } from "./order.js";
import { Rhythm } from "./rhythm.js";
import { prepare } from "./row.js";
import { Store } from "./store.js";
import { choose, LANGUAGES } from "./texts.js";
import { Tools } from "./tools.js";

const BEAT_MS = 500;

class Page {
  constructor() {
    const words = address.words();
    const code = choose(words.get("lang"), navigator.languages);
    document.documentElement.lang = code;
    document.documentElement.classList.toggle("wall", words.has("wall"));
    this.at = elements();
    this.format = new Format(code, LANGUAGES[code]);
    this.store = new Store();
    this.order = fromAddress(words);
    this.sorter = new Sorter(code);
    this.line = { state: "connecting", why: "", since: performance.now() };
    this.skew = 0;
    prepare(this.at.stream);
    this.list = new List({
      table: this.at.streams,
      template: this.at.stream,
      store: this.store,
      format: this.format,
      facts: (entry) => facts(entry, this.format),
      now: () => this.now(),
    });
    this.header = new Header(this.at, this.format);
    this.rhythm = new Rhythm(() => this.sort());
    this.tools = new Tools(this, code);
    this.feed = new Feed({
      whole: (entries) => this.whole(entries),
      entry: (entry) => this.entry(entry),
      gone: (id) => this.gone(id),
      line: (state, why) => this.lineIs(state, why),
      time: (ms) => {
        this.skew = ms + 500 - Date.now(); // the header tells whole seconds
      },
    });
  }

  start() {
    new ResizeObserver(([{ target }]) => {
      document.documentElement.style.setProperty("--top", `${target.offsetHeight}px`);
    }).observe(this.at.header);
    this.feed.start();
    setInterval(() => this.beat(), BEAT_MS);
    this.beat();
  }

  /** The daemon's clock, ms since 1970. */
  now() {
    return Date.now() + this.skew;
  }

  whole(entries) {
    for (const id of this.store.fill(entries)) this.list.dropped(id);
    for (const entry of entries) if (this.list.rows.has(entry.mms_stream_id)) this.list.changed(entry);
    this.rhythm.now();
    this.beat();
  }

  entry(entry) {
    this.store.put(entry);
    this.list.changed(entry);
  }

  gone(id) {
    this.store.drop(id);
    this.list.dropped(id);
  }

  lineIs(state, why) {
    this.line = { state, why, since: performance.now() };
    document.documentElement.dataset.line = state;
    this.beat();
  }

  /** Put the rows in order. */
  sort() {
    const sorted = this.sorter.sort([...this.store.entries.values()], this.order);
    const groups = this.order.grouped ? this.sorter.group(sorted) : [[null, sorted]];
    return this.list.order(groups, (cell, server, entries) => this.tools.heading(cell, server, entries));
  }

  /** Order by something else from now on. */
  reorder(order) {
    this.order = order;
    address.put({ sort: null, group: null, ...toAddress(order) });
    this.tools.ordered();
    this.rhythm.now();
  }

  beat() {
    if (document.hidden) return;
    const sums = this.store.filled ? this.store.sum() : null;
    this.header.show(sums, this.line.state, this.now());
    const since = (performance.now() - this.line.since) / 1000;
    this.header.link(this.line.state, this.line.why, this.format.span(since));
    this.tools.rhythm(this.rhythm.beat());
    if (this.store.filled) this.list.beat();
  }
}

function elements() {
  const found = {};
  for (const element of document.querySelectorAll("[id]")) found[element.id] = element;
  return found;
}

new Page().start();
