/**
 * What unfolds below a line: why the score is what it is, the last samples, and every field.
 *
 * It is made when a row is unfolded and thrown away when it is folded, so that only what
 * somebody looks at costs anything.
 */
import { LEVELS } from "./columns.js";
import { Chart } from "./chart.js";
import { html, write } from "./element.js";
import { GROUPS, read, source } from "./fields.js";
import { carryOn, expecting, failures, fetchPast, fromEntry } from "./past.js";
import { Pictures } from "./pictures.js";

const PARTS = [
  ["whole", (entry) => [entry.score, entry.score_level]],
  ["upstream", (entry) => [entry.score_detail.upstream, entry.score_level_detail.upstream]],
  ["live_delay", (entry) => [entry.score_detail.live_delay, entry.score_level_detail.live_delay]],
];

export class Detail {
  /** @param looks what it is made with: {format, catalogue, now} */
  constructor(entry, looks) {
    const { format } = looks;
    this._id = entry.mms_stream_id;
    this._format = format;
    this._points = [];
    this._values = new Map();
    this._leaving = new AbortController();
    const { texts } = format;
    this._reasons = html("ul", { className: "reasons", lang: "en" });
    this._bars = PARTS.map(([name]) => this._bar(texts.parts[name]));
    this._failures = html("ul", { className: "failures", lang: "en" });
    this._past = html("p", { className: "past", role: "status" }, texts.fetching);
    this._charts = this._makeCharts();
    const drawings = html(
      "div",
      { className: "charts", tabIndex: 0, role: "group", ariaLabel: texts.charts_hint },
      ...this._charts.map((chart) => chart.element),
    );
    this._follow(drawings);
    this._pictures = new Pictures(entry, looks);
    this.element = html(
      "div", { className: "rich" },
      html(
        "section", { className: "why" },
        html("h2", {}, texts.why),
        html("div", { className: "bars" }, ...this._bars.map((bar) => bar.element)),
        this._reasons,
      ),
      html("section", { className: "past" }, html("h2", {}, texts.past), this._past, drawings, this._failures),
      this._pictures.element,
      html("section", { className: "fields" }, ...this._groups(), this._links()),
    );
    this.update(entry);
    this._fetch();
  }

  /** Show a newer entry. */
  update(entry) {
    const format = this._format;
    this._entry = entry;
    for (const [field, [value, mark]] of this._values) {
      write(value, read(field, entry, format));
      write(mark, format.texts.sources[source(field, entry)] || "");
    }
    PARTS.forEach(([, value], i) => this._bars[i].show(...value(entry)));
    const reasons = entry.score_reasons.length ? entry.score_reasons : [format.texts.no_reasons];
    this._link(entry);
    this._reasons.lang = entry.score_reasons.length ? "en" : "";
    list(this._reasons, reasons);
    const points = carryOn(this._points, fromEntry(entry));
    if (points === this._points || !this._fetched) return;
    this._points = points;
    this._draw();
  }

  /** One beat while somebody looks. */
  beat() {
    this._pictures.beat();
  }

  /** Nobody looks any more. */
  close() {
    this._pictures.close();
    this._leaving.abort();
    this.element.remove();
  }

  async _fetch() {
    const { texts } = this._format;
    let points = [];
    try {
      points = await fetchPast(this._id, this._leaving.signal);
    } catch (error) {
      if (this._leaving.signal.aborted) return;
      write(this._past, texts.no_past(error.message));
    }
    this._fetched = true;
    points = expecting(points, this._entry);
    // what came live meanwhile may be newer than what was kept when it was asked for
    for (const point of this._points) points = carryOn(points, point);
    this._points = points;
    if (points.length) this._draw();
  }

  _draw() {
    const [format, points] = [this._format, this._points];
    const { texts } = format;
    for (const chart of this._charts) chart.draw(points);
    write(this._past, texts.kept(format.integer(points.length)));
    list(this._failures, failures(points).map((run) => texts.failed(
      format.clock(run.from),
      run.count > 1 ? format.clock(run.to) : "",
      run.reason,
      format.integer(run.count),
    )));
  }

  _makeCharts() {
    const format = this._format;
    const { texts } = format;
    const chart = (name, keys, show, top, fixed = false) => new Chart({
      title: texts.charts[name],
      lines: keys.map((key) => ({ key, style: key, name: texts.lines[key] })),
      show,
      top,
      fixed,
      clock: (ms) => format.clock(ms),
      dash: format.dash,
    });
    const flow = (kbps) => format.flow(kbps);
    const count = (number) => format.integer(number);
    const seconds = (number) => `${format.decimal(number)} ${texts.units.s}`;
    return [
      chart("in", ["expected", "in"], flow, 100),
      chart("out", ["out"], flow, 100),
      chart("delay", ["delay"], seconds, 2),
      chart("viewers", ["viewers"], count, 5),
      chart("score", ["score"], count, 100, true),
    ];
  }

  /** One cursor over all charts, moved by the pointer or by the arrow keys. */
  _follow(drawings) {
    let index = -1;
    const point = (to) => {
      index = to;
      for (const chart of this._charts) chart.point(index);
    };
    drawings.addEventListener("pointermove", (event) => {
      const plot = event.target.closest(".plot");
      if (!plot) return;
      const box = plot.getBoundingClientRect();
      point(this._charts[0].nearest((event.clientX - box.left) / box.width));
    });
    drawings.addEventListener("pointerleave", () => point(-1));
    drawings.addEventListener("blur", () => point(-1));
    drawings.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const last = this._points.length - 1;
      point(index < 0 ? last : Math.min(last, Math.max(0, index + step)));
    });
  }

  _bar(name) {
    const format = this._format;
    const fill = html("span", { className: "fill" });
    const track = html("span", { className: "track", role: "meter", ariaLabel: name, ariaValueMin: 0, ariaValueMax: 100 }, fill);
    const figure = html("span", { className: "figure" }, "");
    const element = html("div", { className: "bar-of" }, html("span", {}, name), track, figure);
    const show = (score, level) => {
      const state = LEVELS[level] || "unknown";
      element.dataset.state = state;
      fill.style.setProperty("width", `${score ?? 0}%`);
      track.ariaValueNow = score ?? 0;
      const words = `${format.integer(score)} ${format.texts.states[state]}`;
      track.ariaValueText = words;
      write(figure, words);
    };
    return { element, show };
  }

  _groups() {
    const { texts } = this._format;
    return Object.entries(GROUPS).map(([name, fields]) => {
      const rows = fields.map((field) => {
        const value = html("span", {}, "-");
        const mark = html("small", { className: "source" });
        const cell = html("dd", { className: field.unit === "text" ? "text" : "" }, value, mark);
        this._values.set(field, [value, mark]);
        const [title, meaning] = texts.fields[field.name];
        return html(
          "div", {},
          html("dt", {}, title, html("small", {}, html("code", {}, field.name), ` ${meaning}`)),
          cell,
        );
      });
      return html("div", { className: "group-of" }, html("h2", {}, texts.groups[name]), html("dl", {}, ...rows));
    });
  }

  _links() {
    const { texts } = this._format;
    const history = html("a", { href: `samples/${this._id}/history?limit=200` }, texts.links.history);
    this._self = html("a", {}, texts.links.entry);
    this._interface = html("a", { rel: "noreferrer" }, texts.links.interface);
    return html("p", { className: "links" }, this._self, history, this._interface);
  }

  _link(entry) {
    const address = entry.sample_interface;
    this._self.href = `samples/0-0/${encodeURIComponent(address)}/unify_name/asc/0`;
    // a media server could list anything; only what a browser fetches becomes a link
    this._interface.hidden = !/^https?:\/\//i.test(address);
    if (!this._interface.hidden) this._interface.href = address;
  }
}

function list(element, texts) {
  while (element.children.length > texts.length) element.lastChild.remove();
  texts.forEach((text, i) => {
    if (element.children[i]) write(element.children[i], text);
    else element.append(html("li", {}, text));
  });
}
