/**
 * All graphs, one below the other on one time axis.
 */
import { boundary, floored } from "../boundary.js";
import { html, write } from "../element.js";
import { toWord } from "../subject.js";
import { timeMarks } from "./axis.js";
import { Cursor } from "./cursor.js";
import { Graph } from "./graph.js";
import { NOW, once, sameTime } from "./view.js";

const MARK_PX = 90; // the room of one mark of the time axis
const EDGE_PX = 20; // a mark nearer to the edge has no room for its words
const NO_TIME = { start: 0, end: 1, marks: [] };
const STEP_S = 300; // before anything is known

export class Graphs {
  /**
   * @param at the page's elements by their ids
   * @param looks what a graph is made with: {format, catalogue, quantity, times}
   * @param metricsOf the metrics of a subject
   * @param nameOf what a subject is called
   * @param change called with the parts of the view that somebody changed
   * @param timed called with the time that is shown, {start, end}, or null
   */
  constructor({ at, looks, metricsOf, nameOf, change, timed }) {
    this._at = at;
    this._looks = looks;
    this._metricsOf = metricsOf;
    this._nameOf = nameOf;
    this._change = change;
    this._timed = timed;
    this._graphs = new Map(); // word -> Graph, in their order
    this._view = null;
    this._axis = null;
    this._renewed = 0; // the boundary up to which the numbers are
    this._pointed = null; // the end of the row under the cursor
    this._soon = 0; // the frame in which they are drawn anew
    this.tiers = [];
    this._cursor = new Cursor({
      list: at.graphs,
      plotOf: (surface) => {
        const graph = this._all.find(({ plot }) => plot.surface === surface);
        return graph && graph.plot;
      },
      axis: () => this._axis && { ...this._axis, step: this._step },
      point: (time) => this._point(time),
      select: (range) => this._all.forEach((graph) => graph.plot.select(range)),
      zoom: (start, end) => this._zoom(start, end),
    });
    this._room = 0; // px that the time axis has
    new ResizeObserver(() => {
      if (this._room !== at.marks.clientWidth) this._drawSoon();
    }).observe(at.graphs);
  }

  /** Show a view. */
  show(view, now) {
    const old = this._view;
    const fresh = !old || !sameTime(old, view);
    const again = fresh || old.compare !== view.compare;
    this._view = view;
    if (again) this._renewed = boundary(now);
    if (fresh) this._cursor.reset();
    const graphs = new Map();
    for (const { subject, metric } of view.graphs) {
      const word = toWord(subject, metric);
      const there = this._graphs.get(word);
      const graph = there || this._make(subject, metric);
      graphs.set(word, graph);
      if (again || !there) graph.load(view, this.tiers, fresh);
    }
    for (const [word, graph] of this._graphs) if (!graphs.has(word)) graph.close();
    this._graphs = graphs;
    this._arrange();
  }

  /** One beat: a time that ends now may have newer numbers. */
  beat(now) {
    const end = boundary(now);
    if (!this._view || this._view.end !== NOW || end === this._renewed) return;
    this._renewed = end;
    for (const graph of this._all) graph.load(this._view, this.tiers, false);
  }

  /** Streams may be called otherwise by now. */
  rename() {
    for (const graph of this._all) graph.rename(this._nameOf(graph.subject));
  }

  /** Bring a graph into view. */
  reveal(word) {
    const graph = this._graphs.get(word);
    if (graph) graph.element.scrollIntoView({ block: "nearest" });
  }

  get _all() {
    return [...this._graphs.values()];
  }

  /** How many seconds the finest rows cover that are shown. */
  get _step() {
    const steps = this._all.map((graph) => graph.step).filter(Boolean);
    return steps.length ? Math.min(...steps) : STEP_S;
  }

  _make(subject, metric) {
    return new Graph({
      ...this._looks,
      subject,
      metric,
      metrics: this._metricsOf(subject),
      name: this._nameOf(subject),
      hear: {
        drawn: () => this._drawSoon(),
        metric: (graph, name) => this._replace(graph, name),
        move: (graph, by) => this._move(graph, by),
        remove: (graph) => this._remove(graph),
      },
    });
  }

  _arrange() {
    const { graphs: list } = this._at;
    const all = this._all;
    all.forEach((graph, i) => {
      if (list.children[i] !== graph.element) list.insertBefore(graph.element, list.children[i] || null);
      graph.up.disabled = i === 0;
      graph.down.disabled = i === all.length - 1;
    });
    this._at.axis.hidden = !all.length;
    this._draw();
  }

  /** Several answers that come together are drawn together. */
  _drawSoon() {
    this._soon ||= requestAnimationFrame(() => {
      this._soon = 0;
      this._draw();
    });
  }

  /** The time is that of all answers together, so that every graph has the same. */
  _draw() {
    const room = this._at.marks.clientWidth;
    this._room = room;
    this._axis = this._shared(room / MARK_PX);
    for (const graph of this._all) graph.draw(this._axis || NO_TIME);
    this._point(this._pointed);
    const { start, end, marks } = this._axis || NO_TIME;
    const places = marks.map((mark) => [mark, (mark.at - start) / (end - start)])
      .filter(([, share]) => Math.min(share, 1 - share) * room > EDGE_PX);
    this._at.marks.replaceChildren(...places.map(([mark, share]) => {
      const label = html("span", { className: mark.kind }, this._looks.times.mark(mark));
      label.style.setProperty("left", `${share * 100}%`);
      return label;
    }));
    this._timed(this._axis);
  }

  /** {start, end, marks}, or null where nothing is shown; those that wait do not count. */
  _shared(most) {
    const all = this._all.filter((graph) => graph.time);
    const current = all.filter((graph) => graph.current);
    const times = (current.length ? current : all).map((graph) => graph.time);
    if (!times.length) return null;
    const start = Math.min(...times.map((time) => time.start));
    const end = Math.max(...times.map((time) => time.end));
    return { start, end, marks: timeMarks(start, end, most) };
  }

  _point(time) {
    this._pointed = time;
    const step = this._step;
    const { times } = this._looks;
    write(this._at.reading, time === null ? "" : times.range(time - step, time));
    const called = time === null ? "" : times.row(time - step, step);
    const middle = time === null ? null : time - step / 2;
    for (const graph of this._all) graph.point(middle, called);
  }

  /** Choose a time, of which no more is to come than is shown already. */
  _zoom(start, end) {
    const latest = Math.max(this._axis.end, floored(Date.now() / 1000));
    this._change({ start: String(start), end: String(Math.min(end, latest)) });
  }

  _words() {
    return this._all.map(({ subject, metric }) => ({ subject, metric }));
  }

  _replace(graph, metric) {
    const index = this._all.indexOf(graph);
    const graphs = this._words();
    graphs[index] = { subject: graph.subject, metric };
    this._change({ graphs: once(graphs) });
    const there = this._graphs.get(toWord(graph.subject, metric));
    if (there) there.element.querySelector("select").focus();
  }

  _move(graph, by) {
    const index = this._all.indexOf(graph);
    const graphs = this._words();
    graphs.splice(index + by, 0, ...graphs.splice(index, 1));
    this._change({ graphs });
    const button = by < 0 ? graph.up : graph.down;
    (button.disabled ? graph.out : button).focus(); // an element that is moved loses the focus
  }

  _remove(graph) {
    const index = this._all.indexOf(graph);
    this._change({ graphs: this._words().filter((_, i) => i !== index) });
    const next = this._all[Math.min(index, this._all.length - 1)];
    (next ? next.out : this._at.filter).focus();
  }
}
