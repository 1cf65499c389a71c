/**
 * Keeps thousands of rows in bodies of some dozens, so that the browser skips whole bodies.
 *
 * Each body out of view costs nothing (`content-visibility: auto`), but the bodies themselves do,
 * in every frame: ten thousand of them cost a whole core, two hundred nothing that is noticed.
 * An order is reached with few moves: what is in order already stays in the body it is in.
 *
 * An item is anything with `elements`, the rows of the table that belong together.
 */
import { longestRun } from "./place.js";

const SIZE = 50;

export class Chunks {
  constructor(table) {
    this._table = table;
    this._chunks = []; // [{body, items}, ...] from top to bottom
    this._chunk = new Map(); // item -> its chunk
  }

  /** Make this the order; items that are not in it go.  Returns how many items were moved. */
  arrange(wanted) {
    this._keepOnly(new Set(wanted));
    const even = Math.ceil(wanted.length / SIZE);
    const stay = this._chunks.length > 2 * even + 8 ? new Set() : longestRun(this._places(wanted));
    const plan = this._plan(wanted, stay);
    const moved = this._build(plan, stay);
    this._chunks = plan;
    return moved;
  }

  /** Put one item at the end, until the next order. */
  append(item) {
    let last = this._chunks[this._chunks.length - 1];
    if (!last || last.items.length >= 2 * SIZE) {
      last = { body: this._body(), items: [] };
      this._chunks.push(last);
      this._table.append(last.body);
    }
    last.items.push(item);
    last.body.append(...item.elements);
    this._chunk.set(item, last);
    size(last);
  }

  /** All bodies, from top to bottom. */
  get bodies() {
    return this._chunks.map((chunk) => chunk.body);
  }

  /** All items, from top to bottom. */
  get items() {
    return this._chunks.flatMap((chunk) => chunk.items);
  }

  /** The items that stand between two heights of the window, from top to bottom. */
  between(top, bottom) {
    const chunks = this._chunks;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (chunks[middle].body.getBoundingClientRect().bottom <= top) low = middle + 1;
      else high = middle;
    }
    const found = [];
    for (; low < chunks.length; low += 1) {
      if (chunks[low].body.getBoundingClientRect().top >= bottom) break;
      for (const item of chunks[low].items) {
        const first = item.elements[0].getBoundingClientRect();
        const last = item.elements[item.elements.length - 1].getBoundingClientRect();
        if (first.top < bottom && last.bottom > top) found.push(item);
      }
    }
    return found;
  }

  _keepOnly(wanted) {
    for (const chunk of this._chunks) {
      chunk.items = chunk.items.filter((item) => {
        if (wanted.has(item)) return true;
        for (const element of item.elements) element.remove();
        this._chunk.delete(item);
        return false;
      });
    }
  }

  _places(wanted) {
    const place = new Map();
    let index = 0;
    for (const chunk of this._chunks) for (const item of chunk.items) place.set(item, index++);
    return wanted.map((item) => place.get(item) ?? -1);
  }

  /** The new chunks: each takes over the body of the first staying item in it, if that is free. */
  _plan(wanted, stay) {
    const plan = [];
    const used = new Set();
    let open = null;
    wanted.forEach((item, i) => {
      const home = stay.has(i) ? this._chunk.get(item).body : null;
      const other = home && open && open.body && home !== open.body && !used.has(home);
      const full = open && open.items.length >= (home && home === open.body ? 2 * SIZE : SIZE);
      if (!open || full || (other && open.items.length >= SIZE / 4)) {
        open = { body: null, items: [] };
        plan.push(open);
      }
      if (home && !open.body && !used.has(home)) {
        open.body = home;
        used.add(home);
      }
      open.items.push(item);
    });
    for (const chunk of this._chunks) if (!used.has(chunk.body)) chunk.body.remove();
    return plan;
  }

  /** Take out what moves, so that only what stays is left in the bodies; then fill the gaps. */
  _build(plan, stay) {
    let moved = 0;
    let index = 0;
    for (const chunk of plan) {
      for (const item of chunk.items) {
        if (stay.has(index++) && this._chunk.get(item).body === chunk.body) continue;
        moved += 1;
        for (const element of item.elements) element.remove();
      }
    }
    let after = this._table.tHead;
    for (const chunk of plan) {
      chunk.body ||= this._body();
      if (after.nextElementSibling !== chunk.body) after.after(chunk.body);
      after = chunk.body;
      let next = chunk.body.firstElementChild;
      const fresh = document.createDocumentFragment();
      for (const item of chunk.items) {
        const [first] = item.elements;
        this._chunk.set(item, chunk);
        if (next === first) {
          if (fresh.firstChild) chunk.body.insertBefore(fresh, next);
          next = item.elements[item.elements.length - 1].nextElementSibling;
        } else {
          fresh.append(...item.elements);
        }
      }
      chunk.body.insertBefore(fresh, next);
      size(chunk);
    }
    return moved;
  }

  _body() {
    const body = document.createElement("tbody");
    body.className = "chunk";
    return body;
  }
}

/** Tell the browser how high the body is before it was ever in view. */
function size(chunk) {
  chunk.body.style.setProperty("--rows", chunk.items.length);
}
