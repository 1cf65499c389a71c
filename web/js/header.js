/**
 * The head of the page: how many streams are in which state, what flows, how fresh it is, and
 * whether tvmon itself is well; the same in the title and the picture of the tab.
 */
import { html, write } from "./element.js";
import { paint } from "./icon.js";

const STATES = ["bad", "problem", "good", "unknown"];
const TOTALS = ["viewers", "incoming", "outgoing", "newest"];

export class Header {
  /** @param go called with a state when somebody wants to see the next stream in it */
  constructor(page, format, go) {
    this._page = page;
    this._format = format;
    this._counts = {};
    this._totals = {};
    this._told = { line: "", bad: 0 };
    const { texts } = format;
    for (const state of STATES) {
      const number = html("span", { className: "number" }, texts.dash);
      this._counts[state] = number.firstChild;
      const word = html("span", { className: "word" }, texts.states[state]);
      const button = html("button", { type: "button", title: texts.next[state] }, number, " ", word);
      button.addEventListener("click", () => go(state));
      page.counts.append(html("li", { className: `count ${state}` }, button));
    }
    for (const name of TOTALS) {
      const value = html("dd", { className: name }, texts.dash);
      this._totals[name] = value.firstChild;
      page.totals.append(html("div", {}, html("dt", {}, texts.totals[name]), value));
    }
  }

  /**
   * Show the sums of the store, the state of the line, and what tvmon says of itself.
   *
   * @param sums null before the first answer
   * @param line {state, why, since: performance.now() at its change}
   * @param now the daemon's clock, ms
   * @param troubles [[check, sentence], ...], null where they are not known
   */
  show(sums, line, now, troubles) {
    const format = this._format;
    for (const state of STATES) {
      write(this._counts[state], format.integer(sums && sums.counts[state]));
    }
    write(this._totals.viewers, format.integer(sums && sums.viewers));
    write(this._totals.incoming, format.flow(sums && sums.incoming));
    write(this._totals.outgoing, format.flow(sums && sums.outgoing));
    const age = sums && sums.newest !== null ? (now - sums.newest) / 1000 : null;
    write(this._totals.newest, format.span(age));
    this._line(line);
    this._daemon(line, troubles);
    const worst = sums ? STATES.find((state) => sums.counts[state] > 0) : undefined;
    this.title(line.state, worst, worst ? sums.counts[worst] : null);
    this._tell(line.state, sums ? sums.counts.bad : 0);
  }

  /** Show the worst state in the tab; `count` is how many streams are in it, null if not known. */
  title(line, worst, count) {
    const { texts } = this._format;
    const fresh = line === "live" || line === "connecting";
    const words = fresh && worst
      ? [count === null ? "" : this._format.integer(count), texts.states[worst]]
      : [texts.titles[line]];
    const title = [...words.filter(Boolean), "·", "tvmon"].join(" ");
    if (document.title !== title) document.title = title;
    paint(this._page.icon, fresh ? worst || "unknown" : "lost");
  }

  _line({ state, why, since }) {
    const words = this._format.texts.line[state](
      this._format.span((performance.now() - since) / 1000), why,
    );
    this._page.link.dataset.line = state;
    write(this._page.link, words);
  }

  _daemon(line, troubles) {
    const { texts } = this._format;
    const known = line.state === "live" && troubles;
    const trouble = known && troubles.length > 0;
    this._page.daemon.dataset.well = known ? String(!trouble) : "";
    let words = known ? texts.well : texts.not_known;
    if (trouble) words = troubles.map(([check, sentence]) => `${check}: ${sentence}`).join("; ");
    write(this._page.daemon, words);
  }

  /** For those who hear the page: only what has changed, and only for the worse or the line. */
  _tell(line, bad) {
    const { texts } = this._format;
    const told = this._told;
    const words = [];
    if (line !== told.line && (line !== "connecting" || told.line)) words.push(texts.titles[line]);
    if (line === "live" && bad > told.bad) {
      words.push(`${this._format.integer(bad)} ${texts.states.bad}`);
    }
    this._told = { line, bad };
    if (words.length) write(this._page.news, words.join(", "));
  }
}
