/**
 * Which rows are unfolded: by a click, by Ctrl+F, by the address.
 */
import * as address from "./address.js";
import { Detail } from "./detail.js";

export class Folds {
  /** @param looks what a detail is made with: the format, the catalogue, and the daemon's clock */
  constructor({ table, list, store, looks }) {
    this._list = list;
    this._store = store;
    this._looks = looks;
    this._open = new Map(); // row -> its Detail
    this._wanted = null; // the stream that the address asked for before it was there
    table.addEventListener("click", (event) => {
      const row = event.target.closest(".name button") && list.rowOf(event.target);
      if (row) this.toggle(row);
    });
    // what Ctrl+F has found must stay where it is: the text keeps its place above the rest
    table.addEventListener("beforematch", (event) => {
      const row = list.rowOf(event.target);
      if (!row || row.open) return;
      row.detail.classList.add("found");
      this.open(row);
    });
    addEventListener("hashchange", () => this.follow());
  }

  /** Fold an unfolded row, unfold a folded one; the address points to what is unfolded. */
  toggle(row) {
    if (row.open) this.close(row);
    else {
      this.open(row);
      address.point(row.id);
    }
  }

  /** Unfold. */
  open(row) {
    const entry = this._store.entries.get(row.id);
    if (row.open || !entry) return;
    const detail = new Detail(entry, this._looks);
    this._open.set(row, detail);
    row.unfold(detail.element);
  }

  /** Fold. */
  close(row) {
    const detail = this._open.get(row);
    if (!detail) return;
    detail.close();
    this._open.delete(row);
    row.unfold(null);
    if (address.stream() === row.id) address.point(null);
  }

  /** A stream has a newer entry; `row` shows it. */
  changed(row, entry) {
    const detail = this._open.get(row);
    if (detail) detail.update(entry);
  }

  /** One beat: what is unfolded may have something newer to show. */
  beat() {
    for (const detail of this._open.values()) detail.beat();
  }

  /** Go to the stream that the address points to, as soon as it is there. */
  follow() {
    this._wanted = address.stream();
    this.arrive();
  }

  /** The rows are in order: show the stream that is wanted, if it is among them. */
  arrive() {
    for (const row of this._open.keys()) {
      if (this._list.rows.get(row.id) !== row) this.close(row);
    }
    const row = this._wanted === null ? undefined : this._list.rows.get(this._wanted);
    if (!row) return;
    this._wanted = null;
    this.open(row);
    this._list.show(row);
  }

  /** The stream that the address asked for and that is not there, or null. */
  get missing() {
    return this._wanted;
  }
}
