/**
 * Which time is shown: the last day, week, month or year, any other in rrdtool's words, the one
 * before; and what it is compared with.
 */
import { html, write } from "../element.js";
import { COMPARED, NOW, PRESETS, sameTime } from "./view.js";

export class Range {
  /** @param change called with the parts of the view that somebody changed */
  constructor({ at, texts, times, change }) {
    this._at = at;
    this._times = times;
    this._change = change;
    this._before = []; // times to go back to
    this._view = null;
    this._presets = Object.entries(PRESETS).map(([name, start]) => {
      const button = html("button", { type: "button" }, texts.spans[name]);
      button.addEventListener("click", () => change({ start, end: NOW }));
      return [start, button];
    });
    at.presets.append(...this._presets.map(([, button]) => button));
    at.presets.ariaLabel = texts.trend.presets;
    write(at.back, texts.trend.back);
    at.back.addEventListener("click", () => this._back());
    write(at["start-label"], texts.trend.start);
    write(at["end-label"], texts.trend.end);
    write(at.show, texts.trend.show);
    for (const input of [at.start, at.end]) input.title = texts.trend.words;
    at.range.addEventListener("submit", (event) => {
      event.preventDefault();
      const [start, end] = [at.start.value.trim(), at.end.value.trim()];
      change({ start: start || PRESETS.day, end: end || NOW });
    });
    write(at["compare-label"], texts.trend.compare);
    at.compare.append(
      new Option(texts.trend.no_earlier, ""),
      ...COMPARED.map((name) => new Option(texts.trend.earlier[name], name)),
    );
    at.compare.addEventListener("change", () => change({ compare: at.compare.value }));
  }

  /** Show the time of a view. */
  show(view) {
    const at = this._at;
    const old = this._view;
    if (old && !sameTime(old, view)) this._before.push(old);
    this._view = view;
    at.start.value = view.start;
    at.end.value = view.end;
    at.compare.value = view.compare;
    at.back.disabled = !this._earlier();
    for (const [start, button] of this._presets) {
      button.setAttribute("aria-pressed", String(view.start === start && view.end === NOW));
    }
  }

  /** What the words came to. */
  timed(time) {
    write(this._at.time, time ? this._times.range(time.start, time.end) : "");
  }

  /** The last time that is not the one which is shown. */
  _earlier() {
    return this._before.findLast((view) => !sameTime(view, this._view));
  }

  _back() {
    const { start, end } = this._earlier();
    const index = this._before.findLastIndex((view) => sameTime(view, { start, end }));
    this._before.length = index;
    this._view = null; // going back is not to be gone back from
    this._change({ start, end });
  }
}
