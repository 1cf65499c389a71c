/**
 * The table above a graph: of each line its last value, or that under the cursor, its least, mean
 * and largest, and what it was in the time that is compared with.
 */
import { html, write } from "../element.js";
import { Plot } from "./plot.js";
import { summary, valueAt } from "./rows.js";

export class Legend {
  constructor(texts, quantity) {
    this._texts = texts;
    this._quantity = quantity;
    this._rows = [];
    this._when = html("th", { scope: "col" }, texts.trend.last);
    this._then = html("th", { scope: "col" }, "");
    this._body = html("tbody", {});
    const heads = ["least", "mean", "most"].map((name) => html("th", { scope: "col" }, texts.trend[name]));
    this.element = html(
      "table", { className: "legend-of", hidden: true },
      html("caption", { className: "unseen" }, texts.trend.values),
      html(
        "thead", {},
        html("tr", {}, html("th", { scope: "col" }, html("span", { className: "unseen" }, texts.trend.line)),
          this._when, ...heads, this._then),
      ),
      this._body,
    );
  }

  /**
   * Show these lines.
   *
   * @param told and `earlier` as Plot.draw() takes them
   * @param title what a line is called
   * @param compared what the earlier time is called
   */
  draw(told, earlier, title, compared) {
    this.element.hidden = !told;
    this._then.hidden = !earlier;
    write(this._then, compared);
    this._told = told;
    this._earlier = earlier;
    const lines = told ? told.lines : [];
    this._rows = lines.map((line, i) => {
      const before = earlier && earlier.lines.find(({ name }) => name === line.name);
      const sums = summary(line);
      const [now, then] = [html("td", {}, ""), html("td", { hidden: !earlier }, "")];
      const name = html("th", { scope: "row", className: `swatch ${Plot.style(i)}` }, title(line));
      const told3 = [sums.least, sums.mean, sums.most]
        .map((value) => html("td", {}, this._quantity.show(value, line.unit)));
      const row = html("tr", {}, name, now, ...told3, then);
      return { line, before, now, then, row, last: sums.last, was: before ? summary(before).last : null };
    });
    this._body.replaceChildren(...this._rows.map(({ row }) => row));
    this.point(null, "");
  }

  /** Show the values at a time, called so; or the last ones (null).  Returns them in words. */
  point(time, called) {
    write(this._when, time === null ? this._texts.trend.last : called);
    const said = this._rows.map(({ line, before, now, then, last, was }) => {
      const value = time === null ? last : valueAt(line.mean, time, this._told.step);
      write(now, this._quantity.show(value, line.unit));
      if (this._earlier) {
        const old = time === null || !before
          ? was
          : valueAt(before.mean, time - this._earlier.shift, this._earlier.step);
        write(then, this._quantity.show(old, line.unit));
      }
      return `${now.parentNode.firstChild.textContent} ${now.textContent}`;
    });
    return said.join(", ");
  }
}
