/**
 * The rows of the table: which there are, where they stand, and when each is brought up to date.
 *
 * Rows in view are patched at every beat; the others wait their turn, some at each beat, so that
 * thousands of changes a second cost what the few dozen rows in view cost.  A row whose state
 * changed does not wait, and `catchUp` brings all up to date at once: for Ctrl+F, and for print.
 */
import { Chunks } from "./chunks.js";
import { stateOf } from "./columns.js";
import { facts } from "./fields.js";
import { Row } from "./row.js";

const BUDGET_MS = 5; // of each beat, for rows out of view
const FIRST_ROWS = 80; // made before the first paint
const TIDIED = 3; // bodies of rows at a beat
const AT_ONCE = 200; // rows that are made without letting the browser paint in between
const TURN_MS = 40; // of making rows, then the browser may paint and take input

export class List {
  /**
   * @param changed called as changed(row, entry) after a row was brought up to date
   * @param now the daemon's clock, ms
   */
  constructor({ table, template, store, scores, format, changed, now }) {
    this.rows = new Map();
    this._table = table;
    this._head = table.tHead;
    this._chunks = new Chunks(table);
    this._template = template;
    this._store = store;
    this._format = format;
    this._scores = scores;
    this._changed = changed;
    this._now = now;
    this._dirty = new Set();
    this._urgent = new Set(); // those of the dirty ones whose state changed
    this._gone = new Set();
    this._drawn = new Set(); // rows with a drawing of their scores
    this._headings = new Map();
    this._build = null;
    this._tidied = 0; // up to which body of rows was tidied last
  }

  /**
   * Bring every row to its place; resolves to how many had to move.
   *
   * @param groups [[server, or null for one nameless group, its entries in order], ...]
   */
  async order(groups, heading) {
    const build = {};
    this._build = build;
    this._forget(groups);
    const items = [];
    const missing = groups.reduce((sum, [, entries]) => sum + entries.length, -this.rows.size);
    const slowly = missing > AT_ONCE;
    let until = this.rows.size ? performance.now() + TURN_MS : Infinity;
    for (const [server, entries] of groups) {
      if (server !== null) items.push(this._heading(server, entries, heading));
      for (const entry of entries) {
        const known = this.rows.has(entry.mms_stream_id);
        items.push(this._row(entry));
        if (!slowly || known) continue;
        this._chunks.append(items[items.length - 1]);
        if (items.length !== FIRST_ROWS && performance.now() < until) continue;
        await turn();
        if (this._build !== build) return 0;
        until = performance.now() + TURN_MS;
      }
    }
    this._build = null;
    const moved = this._steady(() => this._chunks.arrange(items));
    for (const id of this._store.entries.keys()) this._new(id); // that came meanwhile
    return moved;
  }

  /** The row of an entry; a new one is filled, but stands nowhere yet. */
  _row(entry) {
    const id = entry.mms_stream_id;
    let row = this.rows.get(id);
    if (!row) {
      row = new Row(this._template, id);
      this.rows.set(id, row);
      row.patch(entry, this._format, this._now());
      this._dirty.add(id);
    }
    return row;
  }

  /** A stream has a new entry. */
  changed(entry) {
    const row = this.rows.get(entry.mms_stream_id);
    if (!row) {
      if (!this._build) this._new(entry.mms_stream_id);
      return;
    }
    if (this._gone.delete(row.id)) row.line.classList.remove("gone");
    this._dirty.add(row.id);
    if (row.state !== stateOf(entry)) this._urgent.add(row.id);
  }

  /** Show these in this order, until there is more to order. */
  first(entries) {
    for (const entry of entries) {
      if (!this.rows.has(entry.mms_stream_id)) this._chunks.append(this._row(entry));
    }
  }

  /** Where a stream has no row yet: make one, at the end. */
  _new(id) {
    if (!this.rows.has(id)) this._chunks.append(this._row(this._store.entries.get(id)));
  }

  /** A stream is gone: its row stays, marked, until the next order. */
  dropped(id) {
    const row = this.rows.get(id);
    if (!row) return;
    this._dirty.delete(id);
    this._scores.drop(id);
    this._gone.add(id);
    row.line.classList.add("gone");
    row.line.querySelector(".reason").textContent = this._format.texts.gone;
  }

  /** One beat: patch the rows in view, which are returned, and others as the budget allows. */
  beat() {
    const now = this._now();
    const view = this.inView();
    for (const row of view) {
      const entry = this._store.entries.get(row.id);
      if (!entry) continue;
      const drawn = this._drawn.has(row);
      if (this._dirty.has(row.id)) this._patch(row, entry);
      else row.age(entry, this._format, now);
      if (!drawn) row.draw(this._scores.draw(row.id));
    }
    const seen = new Set(view);
    for (const row of this._drawn) if (!seen.has(row)) row.draw(null);
    this._drawn = seen;
    for (const id of this._urgent) this._patch(this.rows.get(id), this._store.entries.get(id));
    this._urgent.clear();
    const until = performance.now() + BUDGET_MS;
    for (const id of this._dirty) {
      this._patch(this.rows.get(id), this._store.entries.get(id));
      if (performance.now() > until) break;
    }
    return view;
  }

  /** The scores of a stream are known better: draw them anew where they are drawn. */
  redraw(row) {
    if (this._drawn.has(row)) row.draw(this._scores.draw(row.id));
  }

  /**
   * Let the browser forget how rows out of view are laid out, some bodies of them at each beat.
   *
   * A search lays out every row, which takes four times the memory of all else, and nothing but
   * this gives it back.  What is open, focused or selected stays.
   */
  tidy() {
    const bodies = this._chunks.bodies;
    const turn = Array.from({ length: TIDIED }, () => {
      this._tidied = (this._tidied + 1) % bodies.length;
      return bodies[this._tidied];
    });
    // all is read before anything is moved, or each would be laid out for the next
    for (const body of turn.filter((one) => !this._inUse(one))) {
      const next = body.nextSibling;
      body.remove();
      this._table.insertBefore(body, next);
    }
  }

  _inUse(body) {
    const selection = getSelection();
    if (body.contains(document.activeElement) || body.querySelector(".open")) return true;
    if (selection.rangeCount && selection.containsNode(body, true)) return true;
    const box = body.getBoundingClientRect();
    return box.bottom > -innerHeight && box.top < 2 * innerHeight;
  }

  /** Bring every row up to date now. */
  catchUp() {
    for (const id of this._dirty) this._patch(this.rows.get(id), this._store.entries.get(id));
  }

  /** All rows, from top to bottom. */
  inOrder() {
    return this._chunks.items.filter((item) => item instanceof Row);
  }

  /** Scroll to a row. */
  show(row, block = "start") {
    row.line.scrollIntoView({ block });
    // rows on the way were laid out only now, and may be of another height than was guessed
    requestAnimationFrame(() => row.line.scrollIntoView({ block }));
  }

  /** The rows that the window shows, from top to bottom. */
  inView() {
    const top = Math.max(this._head.getBoundingClientRect().bottom, 0);
    return this._chunks.between(top, innerHeight).filter((item) => item instanceof Row);
  }

  /** The row that an element lies in. */
  rowOf(element) {
    let line = element.closest("tr");
    if (line && line.classList.contains("detail")) line = line.previousElementSibling;
    return line ? this.rows.get(Number(line.id.slice("stream-".length))) : undefined;
  }

  _patch(row, entry) {
    if (row) this._dirty.delete(row.id);
    if (!row || !entry) return;
    row.patch(entry, this._format, this._now());
    row.tell(facts(entry, this._format));
    if (this._drawn.has(row)) row.draw(this._scores.draw(row.id));
    this._changed(row, entry);
  }

  /** Do something to the order; what is unfolded in view, and the focus, stay where they are. */
  _steady(act) {
    const focused = this._table.contains(document.activeElement) ? document.activeElement : null;
    const held = this.inView().find((row) => row.open);
    const before = held ? held.line.getBoundingClientRect().top : 0;
    // the browser would follow whatever row is on top to its new place
    this._table.classList.add("moving");
    const result = act();
    if (held && held.line.isConnected) {
      scrollBy(0, held.line.getBoundingClientRect().top - before);
    }
    if (focused && focused !== document.activeElement) focused.focus({ preventScroll: true });
    requestAnimationFrame(() => this._table.classList.remove("moving"));
    return result;
  }

  _heading(server, entries, heading) {
    let item = this._headings.get(server);
    if (!item) {
      const row = document.createElement("tr");
      row.className = "group";
      item = { elements: [row] };
      row.append(document.createElement("th"));
      this._headings.set(server, item);
    }
    heading(item.elements[0].cells[0], server, entries);
    return item;
  }

  /** Forget the rows and headings that no stream stands for any more. */
  _forget(groups) {
    const servers = new Set(groups.map(([server]) => server));
    for (const server of this._headings.keys()) {
      if (!servers.has(server)) this._headings.delete(server);
    }
    for (const id of this.rows.keys()) {
      if (this._store.entries.has(id)) continue;
      this._drawn.delete(this.rows.get(id));
      this.rows.delete(id);
      this._dirty.delete(id);
      this._gone.delete(id);
    }
  }
}

/** Let the browser paint and take input. */
function turn() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
  });
}
