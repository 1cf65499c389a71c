/**
 * Fetches the kept samples of the rows in view, a few at a time, for the drawings of their scores.
 */
import { fetchPast } from "./past.js";

const AT_ONCE = 3;
const PAUSE_MS = 30000; // after the daemon said that it cannot tell

export class Pasts {
  /** @param found called as found(row, points); false where asking for more would be in vain */
  constructor(found) {
    this._found = found;
    this._asked = new WeakSet();
    this._running = 0;
    this._wanted = [];
    this._notBefore = 0;
  }

  /** These rows are in view; those that were and are not any more are no longer wanted. */
  want(rows) {
    this._wanted = rows.filter((row) => !this._asked.has(row));
    while (this._running < AT_ONCE && this._wanted.length) this._next();
  }

  async _next() {
    if (performance.now() < this._notBefore) return this._wanted.splice(0);
    const row = this._wanted.shift();
    this._asked.add(row);
    this._running += 1;
    try {
      if (!this._found(row, await fetchPast(row.id))) this._notBefore = Infinity;
    } catch {
      this._asked.delete(row);
      this._notBefore = performance.now() + PAUSE_MS;
    } finally {
      this._running -= 1;
    }
    if (this._wanted.length) this._next();
    return null;
  }
}
