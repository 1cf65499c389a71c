/**
 * What tvmon says of itself, which of its checks are not well, and of the media servers.
 */
const WELL_MS = 15000; // between two questions while all is well
const UNWELL_MS = 4000;

export class Daemon {
  constructor() {
    this.troubles = null; // [[check, sentence], ...]; null while it is not known
    this.servers = null; // as /servers tells them; null before the first time
    this._next = 0;
  }

  /** One beat: ask again when it is time. */
  beat() {
    const now = performance.now();
    if (now < this._next) return;
    this._next = now + (this.troubles && !this.troubles.length ? WELL_MS : UNWELL_MS);
    this._ready();
    this._servers();
  }

  async _ready() {
    try {
      const response = await fetch("-/ready", { cache: "no-store" });
      const { checks } = await response.json();
      this.troubles = Object.entries(checks).filter(([, trouble]) => trouble !== null);
    } catch {
      this.troubles = null;
    }
  }

  async _servers() {
    try {
      const response = await fetch("servers");
      if (response.ok) this.servers = (await response.json()).servers;
    } catch {
      // what was told before still stands; the line says that tvmon is away
    }
  }
}
