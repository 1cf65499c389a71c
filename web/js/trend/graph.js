/**
 * One graph: a metric of a subject, with its legend, what can be done to it, and its trouble.
 */
import { answer } from "../answer.js";
import { html, write } from "../element.js";
import { graphOf } from "../subject.js";
import { Legend } from "./legend.js";
import { Plot } from "./plot.js";
import { linesOf } from "./rows.js";
import { shiftOf } from "./view.js";

const WHOLE = ["score", "availability"];
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];

export class Graph {
  /**
   * @param metrics those that the subject has, as /history tells them
   * @param hear called as hear.drawn(), hear.metric(graph, name), hear.move(graph, by) and
   *   hear.remove(graph)
   */
  constructor({ subject, metric, metrics, name, catalogue, format, quantity, hear }) {
    const { texts } = format;
    this.subject = subject;
    this.metric = metric;
    this._format = format;
    this._texts = texts;
    this._catalogue = catalogue;
    this._hear = hear;
    this._leaving = new AbortController();
    this._told = null;
    this._earlier = null;
    this.current = false; // whether its numbers are of the time that is asked for now
    this._compare = "";
    this._name = html("bdi", {}, name);
    this._metric = html("select", { ariaLabel: texts.pictures.metric }, ...catalogue.options(metrics));
    const known = metrics.find((one) => one.name === metric);
    if (!known) this._metric.append(new Option(metric, metric));
    this._metric.value = metric;
    this._metric.addEventListener("change", () => hear.metric(this, this._metric.value));
    this._lines = known ? known.lines : [];
    this._step = html("span", { className: "step" }, "");
    this._csv = html("a", {}, "CSV");
    this.up = this._button("↑", texts.trend.up, () => hear.move(this, -1));
    this.down = this._button("↓", texts.trend.down, () => hear.move(this, 1));
    this.out = this._button("×", texts.trend.remove, () => hear.remove(this));
    this._trouble = html("p", { className: "trouble", role: "status" }, "");
    this.plot = new Plot(quantity, WHOLE.includes(metric));
    this._legend = new Legend(texts, quantity);
    this._heading = html("h3", {}, this._name);
    this.element = html(
      "section", { className: "graph" },
      html(
        "div", { className: "graph-head controls" },
        this._heading, this._metric, this._step, this._csv,
        html("span", { className: "acts" }, this.up, this.down, this.out),
      ),
      this._legend.element, this._trouble, this.plot.element,
    );
    this.rename(name);
  }

  /** The subject is called so. */
  rename(name) {
    write(this._name, name);
    const title = `${this._catalogue.title({ name: this.metric })}: ${name}`;
    this.title = title;
    this.element.ariaLabel = title;
    this.plot.surface.ariaLabel = title;
    for (const button of [this.up, this.down, this.out]) button.ariaLabel = `${button.title}: ${title}`;
  }

  /** The time that its numbers are of, {start, end} in s since 1970; null where it has none. */
  get time() {
    return this._told;
  }

  /** How many seconds one of its rows covers; null where it has none. */
  get step() {
    return this._told && this._told.step;
  }

  /**
   * Fetch the numbers of a view's time.
   *
   * @param tiers as /history tells them
   * @param fresh whether the time is another than before, so that what is shown is of no use
   */
  async load({ start, end, compare }, tiers, fresh) {
    this._leaving.abort();
    this._leaving = new AbortController();
    const { signal } = this._leaving;
    this.element.ariaBusy = "true";
    if (fresh) this.current = false;
    this._csv.href = this._address({ start, end, format: "csv" });
    let trouble = "";
    try {
      const told = await this._ask({ start, end }, signal);
      let earlier = null;
      if (compare) {
        try {
          earlier = await this._before(told, compare, tiers, signal);
        } catch (error) {
          trouble = this._texts.trend.no_compare(error.message);
        }
      }
      if (signal.aborted) return;
      Object.assign(this, { _told: told, _earlier: earlier, _compare: compare, current: true });
      if (!trouble && !told.lines.some(({ mean }) => mean.some(([, value]) => value !== null))) {
        trouble = this._texts.trend.nothing;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (fresh) Object.assign(this, { _told: null, _earlier: null });
      trouble = this._texts.trend.trouble(error.message);
    }
    this.element.ariaBusy = "false";
    write(this._trouble, trouble);
    this._tell();
    this._hear.drawn();
  }

  /** Draw over the time that all graphs share. */
  draw(axis) {
    this.plot.draw(axis, this._told, this._earlier);
    const { surface } = this.plot;
    surface.ariaValueMin = axis.start;
    surface.ariaValueMax = axis.end;
  }

  /** Point at a time, called so, or at none (null). */
  point(time, called) {
    this.plot.point(time);
    const said = this._legend.point(time, called);
    const { surface } = this.plot;
    surface.ariaValueNow = time ?? surface.ariaValueMax;
    surface.ariaValueText = [called || this._texts.trend.last, said].filter(Boolean).join(": ");
  }

  /** Nobody looks any more. */
  close() {
    this._leaving.abort();
    this.element.remove();
  }

  async _ask(words, signal) {
    const told = await answer(this._address({ ...words, format: "json" }), signal);
    return { start: told.start, end: told.end, step: told.step, lines: linesOf(told) };
  }

  async _before(told, compare, tiers, signal) {
    const shift = shiftOf(compare, told.end);
    const tier = tiers.find(({ seconds }) => seconds === told.step);
    const times = { start: told.start - shift, end: told.end - shift, step: tier ? tier.name : "" };
    return { ...await this._ask(times, signal), shift };
  }

  _address(words) {
    return graphOf(this.subject, this.metric, words);
  }

  _tell() {
    const { texts } = this._format;
    this.plot.element.hidden = !this._told;
    const compared = this._earlier ? texts.trend.earlier[this._compare] : "";
    this._legend.draw(this._told, this._earlier, (line) => this._line(line), compared);
    write(this._step, this._told ? texts.trend.step(this._lasting(this._told.step)) : "");
  }

  _line({ name, title }) {
    return this._catalogue.line(this._lines.find((one) => one.name === name) || { name, title });
  }

  _lasting(seconds) {
    const [length, unit] = UNITS.find(([one]) => seconds % one === 0) || [1, "s"];
    return `${this._format.integer(seconds / length)}\u00a0${this._texts.units[unit]}`;
  }

  _button(sign, title, act) {
    const button = html("button", { type: "button", title, ariaLabel: title }, sign);
    button.addEventListener("click", act);
    return button;
  }
}
