/**
 * A line over time in SVG: gaps where nothing is known, a mark where a sample failed.
 *
 * The drawing is stretched to the box it is in; its texts are HTML, so they are not.
 */
import { html, svg, write } from "./element.js";

const WIDTH = 600;
const HEIGHT = 100;
const HEADROOM = 1.1; // so that the line does not run along the upper edge

export class Chart {
  /**
   * @param lines [{key, name, style}]: which fields of a point are drawn, and how
   * @param show turns a value into words with its unit
   * @param top the least upper end of the scale
   * @param fixed whether it is the only one
   */
  constructor({ title, lines, show, top, fixed, clock, dash }) {
    this._lines = lines;
    this._show = show;
    this._top = top;
    this._room = fixed ? 1 : HEADROOM;
    this._clock = clock;
    this._dash = dash;
    this._points = [];
    this._paths = lines.map(({ style }) => svg("path", { class: `line ${style}` }));
    this._failed = svg("path", { class: "failed" });
    this._cursor = svg("path", { class: "cursor" });
    this._reading = html("span", { className: "reading" }, "");
    this._upper = html("span", { className: "upper" }, "");
    this._lower = html("span", { className: "lower" }, "");
    this._from = html("span", {}, "");
    this._to = html("span", {}, "");
    this.drawing = svg(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
        "aria-label": title,
      },
      svg("path", { class: "grid", d: `M0 ${HEIGHT / 2}H${WIDTH}` }),
      this._failed, ...this._paths, this._cursor,
    );
    const names = lines.length > 1
      ? lines.map(({ name, style }) => html("span", { className: `legend ${style}` }, name))
      : [];
    this.element = html(
      "figure", { className: "chart" },
      html("figcaption", {}, html("b", {}, title), ...names, this._reading),
      html("div", { className: "plot" }, this.drawing, this._upper, this._lower),
      html("div", { className: "times" }, this._from, this._to),
    );
    this._title = title;
  }

  /** Draw these points, oldest first. */
  draw(points) {
    this._points = points;
    const values = points.flatMap((point) => this._lines.map(({ key }) => point[key]));
    const told = values.filter((value) => value !== null);
    const high = Math.max(this._top, ...told.map((value) => value * this._room));
    const low = Math.min(0, ...told);
    this._scale = (value) => HEIGHT - ((value - low) / (high - low || 1)) * HEIGHT;
    this._span(points);
    this._paths.forEach((path, i) => path.setAttribute("d", this._line(this._lines[i].key)));
    this._failed.setAttribute("d", this._marks());
    write(this._upper, this._show(high));
    write(this._lower, this._show(low));
    write(this._from, points.length ? this._clock(points[0].at) : "");
    write(this._to, points.length ? this._clock(points[points.length - 1].at) : "");
    this.drawing.setAttribute("aria-label", `${this._title}: ${this._summary(told)}`);
  }

  /** Point at the sample with this index, or at none (-1). */
  point(index) {
    const point = this._points[index];
    if (!point) {
      this._cursor.setAttribute("d", "");
      write(this._reading, "");
      return;
    }
    const x = this._x(point.at);
    this._cursor.setAttribute("d", `M${x} 0V${HEIGHT}`);
    const said = this._lines.map(({ key }) => (point[key] === null ? this._dash : this._show(point[key])));
    write(this._reading, `${this._clock(point.at)}  ${point.failed || said.join(" / ")}`);
  }

  /** The index of the sample that is drawn nearest to so much (0 to 1) of the width. */
  nearest(share) {
    const at = this._start + share * this._length;
    let best = -1;
    let distance = Infinity;
    this._points.forEach((point, i) => {
      const off = Math.abs(point.at - at);
      if (off < distance) [best, distance] = [i, off];
    });
    return best;
  }

  _span(points) {
    this._start = points.length ? points[0].at : 0;
    this._length = (points.length && points[points.length - 1].at - this._start) || 1;
    this._x = (at) => round(((at - this._start) / this._length) * WIDTH);
  }

  _line(key) {
    let path = "";
    let down = false; // whether the pen is
    this._points.forEach((point, i) => {
      const value = point[key];
      if (value === null) {
        down = false;
        return;
      }
      const next = this._points[i + 1];
      const place = `${this._x(point.at)} ${round(this._scale(value))}`;
      // a value alone between two gaps is a short stroke, or it would not be seen
      if (!down) path += `M${place}${next && next[key] !== null ? "" : "h2"}`;
      else path += `L${place}`;
      down = true;
    });
    return path;
  }

  _marks() {
    return this._points.filter((point) => point.failed)
      .map((point) => `M${this._x(point.at)} 0V${HEIGHT}`).join("");
  }

  _summary(told) {
    if (!told.length) return this._dash;
    return `${this._show(Math.min(...told))} – ${this._show(Math.max(...told))}`;
  }
}

function round(number) {
  return Math.round(number * 10) / 10;
}
