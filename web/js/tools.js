/**
 * What can be done to the page: order, group, stop, language; and the heads of columns and groups.
 */
import * as address from "./address.js";
import { COLUMNS, stateOf } from "./columns.js";
import { html, write } from "./element.js";
import { offer } from "./languages.js";
import { clicked, SORTABLE } from "./order.js";

export class Tools {
  /** @param page what is acted on: its order, rhythm, list and line */
  constructor(page, code) {
    this._page = page;
    this._texts = page.format.texts;
    this._heads = new Map();
    this._label();
    this._columns();
    this._ordering();
    this._running();
    offer(page.at.language, code);
    this.ordered();
  }

  /** Show the order that is in force. */
  ordered() {
    const { order, at } = this._page;
    at.group.checked = order.grouped;
    at.sort.value = order.key;
    for (const [key, cell] of this._heads) {
      if (key !== order.key) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", order.direction === "asc" ? "ascending" : "descending");
    }
  }

  /**
   * One beat.
   *
   * @param rhythm what Rhythm.beat() said
   * @param missing a stream that the address points to and that is not there, or null
   */
  beat([state, seconds], missing) {
    const { at, format, store, stopped, line } = this._page;
    write(at.rhythm, this._texts.rhythm[state](format.span(seconds)));
    write(at.stop, stopped ? this._texts.resume : this._texts.stop);
    let notice = "";
    if (missing !== null && store.filled) notice = this._texts.missing(String(missing));
    else if (!store.filled) notice = line.state === "lost" ? "" : this._texts.loading;
    else if (!store.entries.size) notice = this._texts.empty;
    if (at.notice.hidden === Boolean(notice)) at.notice.hidden = !notice;
    write(at.notice, notice);
  }

  /** The heading of a group: a server, and how its streams are. */
  heading(cell, server, entries) {
    const { format } = this._page;
    const counts = {};
    for (const entry of entries) counts[stateOf(entry)] = (counts[stateOf(entry)] || 0) + 1;
    const parts = ["bad", "problem", "unknown", "good"].filter((state) => counts[state])
      .map((state) => html(
        "span", { className: `count ${state}` },
        `${format.integer(counts[state])} ${this._texts.states[state]}`,
      ));
    const kind = html("span", { className: "kind" }, entries[0].kind);
    cell.replaceChildren(html("bdi", {}, server), " ", kind, ...parts.flatMap((part) => [" ", part]));
  }

  _label() {
    const { at } = this._page;
    const texts = this._texts;
    write(at.caption, texts.caption);
    write(at["group-label"], texts.group);
    write(at["sort-label"], texts.sort);
    write(at["sort-now"], texts.sort_now);
    write(at["sort-pause"], texts.sort_pause);
    write(at["language-label"], texts.language);
    write(at.trend, texts.trend.title);
    at.trend.href = address.beside("trend", { graph: "traffic.all" });
    write(at.keys, texts.keys);
    at.ordering.setAttribute("aria-label", texts.ordering);
    // where lines become cards, each figure says what it is
    for (const column of COLUMNS) {
      const words = JSON.stringify(texts.columns[column.key]);
      document.documentElement.style.setProperty(`--label-${column.key}`, words);
    }
  }

  _columns() {
    const page = this._page;
    for (const column of COLUMNS) {
      const words = this._texts.columns[column.key];
      const cell = html("th", { scope: "col", title: this._texts.column_hints[column.key] });
      cell.className = column.numeric ? `${column.key} figure` : column.key;
      if (column.worst) {
        const button = html("button", { type: "button" }, words);
        button.addEventListener("click", () => page.reorder(clicked(page.order, column.key)));
        cell.append(button);
        this._heads.set(column.key, cell);
      } else cell.append(words);
      page.at.columns.append(cell);
    }
  }

  _ordering() {
    const page = this._page;
    const { at, rhythm } = page;
    for (const column of SORTABLE) {
      at.sort.append(new Option(this._texts.columns[column.key], column.key));
    }
    at.sort.addEventListener("change", () => {
      page.reorder(clicked({ ...page.order, direction: "" }, at.sort.value));
    });
    at.group.addEventListener("change", () => {
      page.reorder({ ...page.order, grouped: at.group.checked });
    });
    at["sort-now"].addEventListener("click", () => {
      rhythm.now();
      page.beat();
    });
    at["sort-pause"].addEventListener("click", () => {
      rhythm.paused = !rhythm.paused;
      at["sort-pause"].setAttribute("aria-pressed", String(rhythm.paused));
      page.beat();
    });
    for (const type of ["pointermove", "pointerdown", "wheel"]) {
      at.streams.addEventListener(type, () => rhythm.touch(), { passive: true });
    }
    at.streams.addEventListener("pointerleave", () => rhythm.leave());
  }

  _running() {
    const page = this._page;
    // what does not fit is told when somebody points at it; ten thousand titles would cost memory
    page.at.streams.addEventListener("pointerover", (event) => {
      const cut = event.target.closest(".name button, .reason, .picture");
      if (cut) cut.title = cut.scrollWidth > cut.clientWidth ? cut.textContent : "";
    });
    page.at.stop.addEventListener("click", () => page.stop(!page.stopped));
  }
}
