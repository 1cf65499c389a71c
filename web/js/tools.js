/**
 * What can be done to the page: order, group, stop, language; and the heads of columns and groups.
 */
import * as address from "./address.js";
import { COLUMNS, stateOf } from "./columns.js";
import { clicked, SORTABLE } from "./order.js";
import { LANGUAGES, remember } from "./texts.js";

export class Tools {
  constructor(page, code) {
    this._page = page;
    this._texts = page.format.texts;
    this._heads = new Map();
    this._label();
    this._columns();
    this._controls(code);
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

  /** Show when the rows are sorted next: what Rhythm.beat() said. */
  rhythm([state, seconds]) {
    const words = this._texts.rhythm[state](this._page.format.span(seconds));
    const { at } = this._page;
    if (at.rhythm.textContent !== words) at.rhythm.textContent = words;
  }

  /** The heading of a group: a server, and how its streams are. */
  heading(cell, server, entries) {
    const { format } = this._page;
    const counts = {};
    for (const entry of entries) counts[stateOf(entry)] = (counts[stateOf(entry)] || 0) + 1;
    const parts = ["bad", "problem", "unknown", "good"]
      .filter((state) => counts[state])
      .map((state) => `${format.integer(counts[state])} ${this._texts.states[state]}`);
    const name = document.createElement("bdi");
    name.append(server);
    cell.replaceChildren(name, ` ${parts.join(", ")}`);
  }

  _label() {
    const { at } = this._page;
    const texts = this._texts;
    at.caption.textContent = texts.caption;
    at["group-label"].textContent = texts.group;
    at["sort-label"].textContent = texts.sort;
    at["sort-now"].textContent = texts.sort_now;
    at["sort-pause"].textContent = texts.sort_pause;
    at["language-label"].textContent = texts.language;
    at.stop.textContent = texts.stop;
    at.keys.textContent = texts.keys;
    for (const column of COLUMNS) {
      const words = JSON.stringify(texts.columns[column.key]);
      document.documentElement.style.setProperty(`--label-${column.key}`, words);
    }
  }

  _columns() {
    const { at } = this._page;
    for (const column of COLUMNS) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.className = column.numeric ? `${column.key} figure` : column.key;
      cell.title = this._texts.column_hints[column.key];
      const words = this._texts.columns[column.key];
      if (column.worst) {
        const button = document.createElement("button");
        button.type = "button";
        button.append(words);
        button.addEventListener("click", () => {
          this._page.reorder(clicked(this._page.order, column.key));
        });
        cell.append(button);
        this._heads.set(column.key, cell);
      } else cell.append(words);
      at.columns.append(cell);
    }
  }

  _controls(code) {
    const page = this._page;
    const { at } = page;
    for (const column of SORTABLE) at.sort.append(new Option(this._texts.columns[column.key], column.key));
    at.sort.addEventListener("change", () => {
      const order = { ...page.order, key: at.sort.value, direction: "" };
      page.reorder(clicked(order, at.sort.value));
    });
    at.group.addEventListener("change", () => {
      page.reorder({ ...page.order, grouped: at.group.checked });
    });
    at["sort-now"].addEventListener("click", () => page.rhythm.now());
    at["sort-pause"].addEventListener("click", () => {
      page.rhythm.paused = !page.rhythm.paused;
      at["sort-pause"].setAttribute("aria-pressed", String(page.rhythm.paused));
      page.beat();
    });
    at["sort-pause"].setAttribute("aria-pressed", "false");
    at.stop.addEventListener("click", () => {
      const stopped = page.line.state === "stopped";
      if (stopped) page.feed.start();
      else page.feed.stop();
      at.stop.textContent = stopped ? this._texts.stop : this._texts.resume;
    });
    for (const [key, texts] of Object.entries(LANGUAGES)) {
      const option = new Option(texts.name, key, false, key === code);
      option.lang = key;
      at.language.append(option);
    }
    at.language.addEventListener("change", () => {
      remember(at.language.value);
      address.put({ lang: at.language.value });
      location.reload();
    });
  }
}
