/**
 * What tvmon says of itself: which of its checks are not well.
 */
const WELL_MS = 15000; // between two questions while all is well
const UNWELL_MS = 4000;

export class Daemon {
  constructor() {
    this.troubles = null; // [[check, sentence], ...]; null while it is not known
    this._next = 0;
  }

  /** One beat: ask again when it is time. */
  beat() {
    const now = performance.now();
    if (now < this._next) return;
    this._next = now + (this.troubles && !this.troubles.length ? WELL_MS : UNWELL_MS);
    this._ask();
  }

  async _ask() {
    try {
      const response = await fetch("-/ready", { cache: "no-store" });
      const { checks } = await response.json();
      this.troubles = Object.entries(checks).filter(([, trouble]) => trouble !== null);
    } catch {
      this.troubles = null;
    }
  }
}
