/**
 * The head of the page: how many streams are in which state, what flows, how fresh it is.
 */
import { paint } from "./icon.js";

const STATES = ["bad", "problem", "good", "unknown"];
const TOTALS = ["viewers", "incoming", "outgoing", "newest"];

export class Header {
  constructor(page, format) {
    this._page = page;
    this._format = format;
    const { texts } = format;
    this._counts = fill(page.counts, STATES, (state, item) => {
      item.className = `count ${state}`;
      item.append(element("span", "number", "–"), " ", element("span", "word", texts.states[state]));
      return item.firstChild.firstChild;
    });
    this._totals = {};
    for (const name of TOTALS) {
      const value = element("dd", name, texts.dash);
      page.totals.append(wrap(element("dt", "", texts.totals[name]), value));
      this._totals[name] = value.firstChild;
    }
  }

  /** Show the sums of the store and the state of the line; `now` is the daemon's clock in ms. */
  show(sums, line, now) {
    const format = this._format;
    for (const state of STATES) {
      write(this._counts[state], format.integer(sums ? sums.counts[state] : null));
    }
    write(this._totals.viewers, format.integer(sums ? sums.viewers : null));
    write(this._totals.incoming, format.flow(sums ? sums.incoming : null));
    write(this._totals.outgoing, format.flow(sums ? sums.outgoing : null));
    const age = sums && sums.newest !== null ? (now - sums.newest) / 1000 : null;
    write(this._totals.newest, format.span(age));
    const worst = sums ? STATES.find((state) => sums.counts[state] > 0) : undefined;
    const { texts } = format;
    document.title = texts.title(line, worst, worst ? format.integer(sums.counts[worst]) : "");
    paint(this._page.icon, line === "live" ? worst || "unknown" : "lost");
  }

  /** Show the state of the line in words; `since` says for how long, in words. */
  link(state, why, since) {
    const { texts } = this._format;
    this._page.link.dataset.line = state;
    const words = texts.line[state](since, why);
    if (this._page.link.textContent !== words) this._page.link.textContent = words;
  }
}

function fill(list, names, make) {
  const nodes = {};
  for (const name of names) {
    const item = document.createElement("li");
    nodes[name] = make(name, item);
    list.append(item);
  }
  return nodes;
}

function element(tag, name, text) {
  const one = document.createElement(tag);
  if (name) one.className = name;
  one.append(text);
  return one;
}

function wrap(...parts) {
  const div = document.createElement("div");
  div.append(...parts);
  return div;
}

function write(node, text) {
  if (node.data !== text) node.data = text;
}
