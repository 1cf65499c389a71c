/**
 * The history of one stream in four pictures: the last day, week, month and year of a metric.
 *
 * They are fetched when they are made and at each five-minute boundary that somebody looks on.
 */
import * as address from "./address.js";
import { boundary } from "./boundary.js";
import { html, write } from "./element.js";
import { Picture } from "./picture.js";
import { ofStream, toWord } from "./subject.js";
import { Zoom } from "./zoom.js";

const DAY_S = 86400;
export const SPANS = [["day", DAY_S], ["week", 7 * DAY_S], ["month", 30 * DAY_S], ["year", 365 * DAY_S]];
const FIRST = "traffic";
const GAP = 16; // px between two of them, as in the style sheet
const BORDER = 2; // px of both sides of one
const HEIGHT = 203;
const USUAL = 580; // px
const LEAST = 450; // where four of them have so much, they stand in one row
const SMALLEST = 280;

export class Pictures {
  /** @param now the daemon's clock, ms since 1970 */
  constructor(entry, { format, catalogue, now }) {
    const { texts } = format;
    this._entry = entry;
    this._subject = ofStream(entry.mms_stream_id);
    this._texts = texts;
    this._catalogue = catalogue;
    this._now = now;
    this._metrics = [];
    this._end = boundary(now());
    this._zoom = null;
    this._closed = false;
    this._status = html("p", { className: "status", role: "status" }, texts.fetching);
    this._metric = html("select", { ariaLabel: texts.pictures.metric });
    this._metric.addEventListener("change", () => this._show());
    this._trend = html("a", {}, texts.pictures.trend);
    this._tools = html("p", { className: "controls", hidden: true }, this._metric, " ", this._trend);
    this._frames = SPANS.map(([span, seconds]) => this._frame(span, seconds));
    this._all = html("div", { className: "pictures", hidden: true }, ...this._frames.map((frame) => frame.element));
    this.element = html(
      "section", { className: "history-of" },
      html("h2", {}, texts.pictures.title), this._tools, this._status, this._all,
    );
    this._ask();
  }

  /** One beat: there may be newer ones. */
  beat() {
    const end = boundary(this._now());
    if (end === this._end) return;
    this._end = end;
    if (this._metrics.length) this._show();
    else this._ask();
  }

  /** Nobody looks any more. */
  close() {
    this._closed = true;
    if (this._zoom) this._zoom.close();
  }

  async _ask() {
    const texts = this._texts;
    try {
      const { trouble, metrics } = await this._catalogue.ask();
      if (this._closed) return;
      if (trouble) {
        write(this._status, texts.pictures.trouble(trouble));
        return;
      }
      this._metrics = metrics;
    } catch (error) {
      if (this._closed) return;
      write(this._status, texts.pictures.trouble(error.message));
      return;
    }
    this._metric.append(...this._catalogue.options(this._metrics));
    if (this._metrics.some(({ name }) => name === FIRST)) this._metric.value = FIRST;
    for (const element of [this._tools, this._all]) element.hidden = false;
    this._status.hidden = true;
    this._show();
  }

  _show() {
    const width = this._width();
    for (const { picture, span, seconds } of this._frames) {
      this._fill(picture, span, seconds, { width, height: HEIGHT });
    }
    this._trend.href = address.beside("trend", { graph: toWord(this._subject, this._metric.value) });
    if (this._zoom) this._zoom.renew();
  }

  /** Let a picture show a span of what is chosen; returns its words. */
  _fill(picture, span, seconds, size) {
    const metric = this._metrics.find(({ name }) => name === this._metric.value);
    const alt = this._texts.pictures.alt(
      this._catalogue.title(metric), this._texts.spans[span], this._entry.unify_name,
    );
    const times = { start: this._end - seconds, end: this._end };
    picture.show(this._subject, metric.name, { ...times, ...size }, alt);
    return alt;
  }

  _frame(span, seconds) {
    const name = this._texts.spans[span];
    const button = html("button", { type: "button", title: this._texts.pictures.zoom });
    const picture = new Picture(this._texts, (there) => {
      button.hidden = !there;
    });
    button.append(picture.picture);
    button.addEventListener("click", () => this._enlarge(span));
    const element = html("figure", {}, html("figcaption", {}, name), button, picture.trouble);
    return { element, picture, span, seconds };
  }

  _enlarge(span) {
    this._zoom = new Zoom({
      texts: this._texts,
      spans: SPANS,
      span,
      fill: (...what) => this._fill(...what),
      closed: () => {
        this._zoom = null;
      },
    });
  }

  /** So wide that the drawn letters are neither stretched nor shrunk. */
  _width() {
    const room = this._all.clientWidth || USUAL;
    const quarter = Math.floor((room - 3 * GAP) / 4) - BORDER;
    return Math.min(USUAL, quarter >= LEAST ? quarter : Math.max(SMALLEST, room - BORDER));
  }
}
