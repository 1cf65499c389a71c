/**
 * The hands at the graphs: one cursor over all of them, and the choice of a time by dragging.
 */
import { floored } from "../boundary.js";

const LEAST_S = 600; // that can be zoomed to: two rows of five minutes
const DRAGGED = 4; // px: less is a click

export class Cursor {
  /**
   * @param list the element with all graphs
   * @param plotOf gives the Plot of a surface
   * @param axis gives the shared time: {start, end, step}; null where nothing is drawn
   * @param point called with the end of the row that is pointed at, s since 1970, or null
   * @param select called with two times while somebody drags, null when it is over
   * @param zoom called with two times
   */
  constructor({ list, plotOf, axis, point, select, zoom }) {
    this._axis = axis;
    this._point = point;
    this._zoom = zoom;
    this._at = null;
    this._from = null; // where dragging began: {time, x, plot}
    list.addEventListener("pointerdown", (event) => {
      const plot = this._plot(event, plotOf);
      if (!plot || event.button) return;
      event.preventDefault(); // no text is selected
      plot.surface.focus({ preventScroll: true });
      plot.surface.setPointerCapture(event.pointerId);
      this._from = { time: plot.timeAt(event), x: event.clientX, plot };
      this._to(this._from.time);
    });
    list.addEventListener("pointermove", (event) => {
      const plot = this._plot(event, plotOf);
      if (!plot) return;
      const time = plot.timeAt(event);
      this._to(time);
      if (this._dragged(event)) select(ordered(this._from.time, time));
    });
    list.addEventListener("pointerup", (event) => {
      const from = this._from;
      const dragged = this._dragged(event);
      this._from = null;
      select(null);
      if (dragged) this._choose(...ordered(from.time, from.plot.timeAt(event)));
    });
    list.addEventListener("pointercancel", () => this._cancel(select));
    list.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") this._away(); // a finger that is lifted has read nothing yet
    });
    list.addEventListener("focusout", () => this._away());
    list.addEventListener("keydown", (event) => {
      const plot = plotOf(event.target);
      if (!plot || !this._axis() || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Escape") this._cancel(select);
      if (this._key(event)) event.preventDefault();
    });
  }

  /** The time has changed: what was pointed at may be out of it. */
  reset() {
    this._away();
  }

  _plot(event, plotOf) {
    const surface = event.target.closest(".surface");
    return surface && this._axis() && plotOf(surface);
  }

  _dragged(event) {
    return this._from !== null && Math.abs(event.clientX - this._from.x) >= DRAGGED;
  }

  _key({ key, shiftKey }) {
    const { start, end, step } = this._axis();
    const by = step * (shiftKey ? 10 : 1);
    const at = this._at ?? end;
    const to = {
      ArrowLeft: at - by, ArrowRight: at + by, ArrowDown: at - by, ArrowUp: at + by,
      Home: start + step, End: end,
    }[key];
    if (to !== undefined) this._to(Math.max(start, Math.min(end, to) - step / 2));
    else if (key === "+" || key === "=") this._choose(...around(at, start, end, 0.5));
    else if (key === "-") this._choose(...around(at, start, end, 2));
    else return false;
    return true;
  }

  /** Point at the row that a time is in. */
  _to(time) {
    const { start, end, step } = this._axis();
    const row = Math.ceil(time / step) * step;
    this._at = Math.max(Math.floor(start / step + 1) * step, Math.min(row, Math.ceil(end / step) * step));
    this._point(this._at);
  }

  _choose(from, to) {
    const middle = (from + to) / 2;
    const half = Math.max(LEAST_S, to - from) / 2;
    const [first, last] = [floored(middle - half), floored(middle + half + 299)];
    const { start, end } = this._axis();
    // There is nothing between two rows: who would see more by it, not less, sees what is there.
    if (to - from < end - start && last - first >= end - start) return;
    this._zoom(first, last);
  }

  _cancel(select) {
    this._from = null;
    select(null);
    this._away();
  }

  _away() {
    if (this._at === null || this._from) return;
    this._at = null;
    this._point(null);
  }
}

function ordered(one, other) {
  return one < other ? [one, other] : [other, one];
}

/** A time so many times as long, with the same place in it under the cursor. */
function around(at, start, end, times) {
  return [at - (at - start) * times, at + (end - at) * times];
}
