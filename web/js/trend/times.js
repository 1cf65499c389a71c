/**
 * Times as the page writes them: in the reader's zone, which is named.  Takes s since 1970.
 */
const ZONED = {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
  hourCycle: "h23", timeZoneName: "short",
};

export class Times {
  constructor(code) {
    const format = (options) => new Intl.DateTimeFormat(code, options);
    this._zoned = format(ZONED);
    this._kinds = {
      time: format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
      day: format({ month: "short", day: "numeric" }),
      month: format({ month: "short" }),
      year: format({ year: "numeric" }),
    };
  }

  /** `Nov 24, 2026, 14:05 – Nov 25, 2026, 14:05 UTC` */
  range(from, to) {
    return this._zoned.formatRange(from * 1000, to * 1000);
  }

  /** The time at which a row of so many seconds begins, as short as it can be told. */
  row(from, seconds) {
    return this._kinds[seconds < 86400 ? "time" : "day"].format(from * 1000);
  }

  /** What an axis says at a mark of a kind: `14:05`, `Nov 25`, `Nov`, `2026`. */
  mark({ at, kind }) {
    return this._kinds[kind].format(at * 1000);
  }
}
