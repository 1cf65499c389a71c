/**
 * The drawing of one graph: lines over time, the scale on the left, the cursor.
 *
 * The SVG is stretched to its box; its texts are HTML, so they are not.  The cursor is moved by
 * the pointer and the arrow keys; for those who hear the page it is a slider that tells the values.
 */
import { html, svg } from "../element.js";
import { valueMarks } from "./axis.js";
import { bandOf, later, stepsOf } from "./rows.js";

const WIDTH = 1000;
const HEIGHT = 100;
const STYLES = ["main", "sub", "third", "fourth", "fifth"];
const WHOLE = 100; // of a score, and of a share

export class Plot {
  /** @param whole whether what is drawn is a part of 100, and its scale always has all of it */
  constructor(quantity, whole) {
    this._quantity = quantity;
    this._least = whole ? WHOLE : 0;
    this._grid = svg("path", { class: "grid" });
    this._bands = svg("g", {});
    this._lines = svg("g", {});
    this._cursor = svg("path", { class: "cursor" });
    this._scale = html("div", { className: "scale", ariaHidden: "true" });
    this._selection = html("div", { className: "selection", hidden: true });
    const drawing = svg(
      "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      this._grid, this._bands, this._lines, this._cursor,
    );
    this.surface = html("div", { className: "surface", tabIndex: 0, role: "slider" }, drawing, this._selection);
    this.element = html("div", { className: "plot-of" }, this._scale, this.surface);
    this._axis = { start: 0, end: 1 };
  }

  /** The class of the line with this index. */
  static style(index) {
    return STYLES[index % STYLES.length];
  }

  /**
   * Draw.
   *
   * @param axis {start, end, marks}: the time, s since 1970, that all graphs share
   * @param told {lines, step} as an answer has them, null where there is none
   * @param earlier the same of an earlier time, and `shift`, how much earlier; or null
   */
  draw(axis, told, earlier) {
    this._axis = axis;
    const x = (time) => round(((time - axis.start) / (axis.end - axis.start)) * WIDTH);
    const lines = told ? told.lines : [];
    const before = (earlier ? earlier.lines : [])
      .map((line) => ({ ...line, mean: later(line.mean, earlier.shift) }));
    const marks = marksOf(lines, before, this._least);
    const [low, high] = [marks[0], marks[marks.length - 1]];
    const y = (value) => round(HEIGHT - ((value - low) / (high - low)) * HEIGHT);
    this._ruled(marks, lines.length ? lines[0].unit : "", y, axis.marks.map(({ at }) => x(at)));
    const paths = [];
    before.forEach((line, i) => {
      paths.push(path(`earlier ${Plot.style(i)}`, stepsOf(line.mean, earlier.step, x, y)));
    });
    const bands = [];
    lines.forEach((line, i) => {
      if (line.low && line.high) {
        bands.push(path(`band ${Plot.style(i)}`, bandOf(line.low, line.high, told.step, x, y)));
      }
      if (line.high && i === 0) paths.push(path("peak", stepsOf(line.high, told.step, x, y)));
    });
    // the main line last, so that it lies above the others
    lines.map((line, i) => path(`line ${Plot.style(i)}`, stepsOf(line.mean, told.step, x, y)))
      .reverse().forEach((drawn) => paths.push(drawn));
    this._bands.replaceChildren(...bands);
    this._lines.replaceChildren(...paths);
  }

  /** Put the cursor to a time, or take it away (null). */
  point(time) {
    const share = time === null ? -1 : this._share(time);
    const there = share >= 0 && share <= 1;
    this._cursor.setAttribute("d", there ? `M${round(share * WIDTH)} 0V${HEIGHT}` : "");
  }

  /** Mark what is being chosen: two times, or nothing (null). */
  select(range) {
    this._selection.hidden = !range;
    if (!range) return;
    const [from, to] = range.map((time) => Math.max(0, Math.min(1, this._share(time))));
    this._selection.style.setProperty("left", `${from * 100}%`);
    this._selection.style.setProperty("width", `${(to - from) * 100}%`);
  }

  /** The time under a pointer, within the axis. */
  timeAt(event) {
    const box = this.surface.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    return this._axis.start + share * (this._axis.end - this._axis.start);
  }

  _share(time) {
    return (time - this._axis.start) / (this._axis.end - this._axis.start);
  }

  _ruled(marks, unit, y, columns) {
    const across = marks.map((mark) => `M0 ${y(mark)}H${WIDTH}`);
    const down = columns.map((at) => `M${at} 0V${HEIGHT}`);
    this._grid.setAttribute("d", [...across, ...down].join(""));
    this._scale.replaceChildren(...marks.map((mark) => {
      const label = html("span", {}, this._quantity.show(mark, unit));
      label.style.setProperty("top", `${y(mark)}%`);
      return label;
    }));
  }
}

/** Round values around all that is drawn; zero is always among them. */
function marksOf(lines, before, least) {
  const values = [...lines, ...before]
    .flatMap(({ mean, low, high }) => [mean, low, high].filter(Boolean))
    .flatMap((rows) => rows.map(([, value]) => value)).filter((value) => value !== null);
  const high = values.reduce((one, other) => Math.max(one, other), least);
  const low = values.reduce((one, other) => Math.min(one, other), 0);
  return valueMarks(low, high === low ? low + 1 : high);
}

function path(name, d) {
  return svg("path", { class: name, d });
}

function round(number) {
  return Math.round(number * 100) / 100;
}
