/**
 * The rows of the table: which there are, where they stand, and when each is brought up to date.
 *
 * Rows in view are patched at every beat; the others wait their turn, some at each beat, so that
 * thousands of changes a second cost what the few dozen rows in view cost.  A row whose state
 * changed does not wait, and `catchUp` brings all up to date at once: for Ctrl+F, and for print.
 */
import { stateOf } from "./columns.js";
import { arrange } from "./place.js";
import { Row } from "./row.js";

const BUDGET_MS = 5; // of each beat, for rows out of view
const FIRST_ROWS = 80; // made before the first paint
const ROWS_A_TURN = 400;

export class List {
  constructor({ table, template, store, format, facts, now }) {
    this.rows = new Map();
    this._table = table;
    this._head = table.tHead;
    this._template = template;
    this._store = store;
    this._format = format;
    this._facts = facts;
    this._now = now;
    this._dirty = new Set();
    this._gone = new Set();
    this._headings = new Map();
    this._building = null;
  }

  /** Bring every row to its place; `groups` is [[server or null, entries], ...]. */
  async order(groups, heading) {
    const plan = [];
    for (const [server, entries] of groups) {
      if (server !== null) plan.push({ server, entries });
      for (const entry of entries) plan.push({ entry });
    }
    this._forget(groups);
    const building = {};
    this._building = building;
    const elements = [];
    let made = 0;
    for (const item of plan) {
      if (item.server !== undefined) {
        elements.push(this._heading(item.server, item.entries, heading));
        continue;
      }
      const known = this.rows.has(item.entry.mms_stream_id);
      elements.push(this.row(item.entry).element);
      if (known) continue;
      made += 1;
      if (made === FIRST_ROWS || (made > FIRST_ROWS && made % ROWS_A_TURN === 0)) {
        arrange(this._table, elements, this._head);
        await turn();
        if (this._building !== building) return 0;
      }
    }
    return arrange(this._table, elements, this._head);
  }

  /** The row of an entry; a new one is filled, but stands nowhere yet. */
  row(entry) {
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
      this._table.append(this.row(entry).element);
      return;
    }
    if (this._gone.delete(row.id)) row.element.classList.remove("gone");
    if (row.state === stateOf(entry)) this._dirty.add(row.id);
    else this._patch(row, entry);
  }

  /** A stream is gone: its row stays, marked, until the next order. */
  dropped(id) {
    const row = this.rows.get(id);
    if (!row) return;
    this._dirty.delete(id);
    this._gone.add(id);
    row.element.classList.add("gone");
    row.element.querySelector(".reason").textContent = this._format.texts.gone;
  }

  /** One beat: patch what is in view, and as many others as the budget allows. */
  beat() {
    const now = this._now();
    for (const row of this.inView()) {
      const entry = this._store.entries.get(row.id);
      if (!entry) continue;
      if (this._dirty.has(row.id)) this._patch(row, entry);
      else row.age(entry, this._format, now);
    }
    const until = performance.now() + BUDGET_MS;
    for (const id of this._dirty) {
      this._patch(this.rows.get(id), this._store.entries.get(id));
      if (performance.now() > until) break;
    }
  }

  /** Bring every row up to date now. */
  catchUp() {
    for (const id of this._dirty) this._patch(this.rows.get(id), this._store.entries.get(id));
  }

  /** The rows that the window shows, from top to bottom. */
  inView() {
    const rows = [];
    const top = Math.max(this._head.getBoundingClientRect().bottom, 0);
    const { left, width } = this._table.getBoundingClientRect();
    const hit = document.elementsFromPoint(left + width / 2, top + 2);
    let element = hit.map((one) => one.closest("tbody")).find(Boolean);
    element ||= this._table.tBodies[0];
    for (; element; element = element.nextElementSibling) {
      const box = element.getBoundingClientRect();
      if (box.top > innerHeight) break;
      const row = element.classList.contains("stream") && this.rowOf(element);
      if (row) rows.push(row);
    }
    return rows;
  }

  /** The row that an element lies in. */
  rowOf(element) {
    const body = element.closest("tbody.stream");
    return body ? this.rows.get(Number(body.id.slice("stream-".length))) : undefined;
  }

  _patch(row, entry) {
    this._dirty.delete(row.id);
    row.patch(entry, this._format, this._now());
    row.tell(this._facts(entry));
  }

  _heading(server, entries, heading) {
    let element = this._headings.get(server);
    if (!element) {
      element = document.createElement("tbody");
      element.className = "group";
      const cell = element.insertRow().appendChild(document.createElement("th"));
      cell.scope = "rowgroup";
      this._headings.set(server, element);
    }
    heading(element.rows[0].cells[0], server, entries);
    return element;
  }

  /** Take away the rows and headings that no stream stands for any more. */
  _forget(groups) {
    const servers = new Set(groups.map(([server]) => server));
    for (const [server, element] of this._headings) {
      if (servers.has(server)) continue;
      element.remove();
      this._headings.delete(server);
    }
    for (const [id, row] of this.rows) {
      if (this._store.entries.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
      this._dirty.delete(id);
      this._gone.delete(id);
    }
  }
}

/** Let the browser paint and take input. */
function turn() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  });
}
