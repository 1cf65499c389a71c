/**
 * The keyboard in the rows: one stop for Tab, arrows from row to row, Enter unfolds.
 */
export class Keys {
  constructor({ table, list, folds, touch }) {
    this._list = list;
    this._current = null;
    this._visited = false; // whether somebody went there, or it is just the first
    table.addEventListener("focusin", (event) => {
      const row = event.target.closest(".stream") && list.rowOf(event.target);
      if (!row) return;
      this._visited = true;
      this._stop(row);
    });
    table.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const row = list.rowOf(event.target);
      if (!row) return;
      touch();
      if (event.key === "Escape" && row.open) {
        folds.close(row);
        this.go(row);
      } else if (event.target.closest(".name button") && this._move(event.key, row)) {
        event.preventDefault();
      }
    });
  }

  /** Put the focus on a row. */
  go(row) {
    this._stop(row);
    this._list.show(row, "nearest");
    row.button.focus({ preventScroll: true });
  }

  /** The rows are in order: see to it that Tab reaches one of them. */
  arranged() {
    const current = this._current;
    if (this._visited && this._list.rows.get(current.id) === current) return;
    this._visited = false;
    const [first] = this._list.inOrder();
    if (first) this._stop(first);
  }

  _stop(row) {
    if (this._current) this._current.button.tabIndex = -1;
    this._current = row;
    row.button.tabIndex = 0;
  }

  _move(key, row) {
    const rows = this._list.inOrder();
    const index = rows.indexOf(row);
    const page = Math.max(1, this._list.inView().length - 2);
    const to = {
      ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page,
      Home: 0, End: rows.length - 1,
    }[key];
    if (to === undefined) return false;
    this.go(rows[Math.max(0, Math.min(rows.length - 1, to))]);
    return true;
  }
}
