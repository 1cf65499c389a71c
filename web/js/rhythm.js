/**
 * When the rows are sorted anew: now and then, on request, and never under somebody's hands.
 */
const EVERY_MS = 15000;
const HANDS_MS = 20000; // how long after the last move of pointer or key somebody is at the rows

export class Rhythm {
  /** @param sort called when it is time */
  constructor(sort) {
    this._sort = sort;
    this._due = performance.now() + EVERY_MS;
    this._hands = -HANDS_MS;
    this.paused = false;
  }

  /** Somebody is at the rows: reading, pointing, moving along them. */
  touch() {
    this._hands = performance.now();
  }

  /** Nobody is at the rows any more. */
  leave() {
    this._hands = -HANDS_MS;
  }

  /** Sort now, and start the rhythm anew. */
  now() {
    this._due = performance.now() + EVERY_MS;
    this._sort();
  }

  /** One beat; returns ["paused"], ["held"] or ["due", seconds until the next sort]. */
  beat() {
    const now = performance.now();
    if (this.paused) return ["paused", 0];
    if (now - this._hands < HANDS_MS) {
      this._due = Math.max(this._due, this._hands + HANDS_MS);
      return ["held", 0];
    }
    if (now >= this._due) this.now();
    return ["due", Math.max(0, Math.ceil((this._due - now) / 1000))];
  }
}
