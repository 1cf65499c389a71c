/**
 * Numbers and times as the reader's language writes them.
 *
 * What is not known (null, or -1 for a rate) is a dash, never 0.
 */
const NO_DELAY_MS = 999999; // what a media server reports where there is no stream

export class Format {
  constructor(code, texts) {
    this.texts = texts;
    this.dash = texts.dash;
    this._integer = new Intl.NumberFormat(code, { maximumFractionDigits: 0 });
    this._tenth = new Intl.NumberFormat(code, {
      minimumFractionDigits: 1, maximumFractionDigits: 1,
    });
    this._short = new Intl.NumberFormat(code, { maximumFractionDigits: 2 });
    this._clock = new Intl.DateTimeFormat(code, { hour12: false, timeStyle: "medium" });
    this._date = new Intl.DateTimeFormat(code, {
      hour12: false, dateStyle: "medium", timeStyle: "long",
    });
  }

  /** `12,345` */
  integer(number) {
    return known(number) ? this._integer.format(number) : this.dash;
  }

  /** A rate in kbit/s, whole; -1 is not known. */
  rate(kbps) {
    return known(kbps) && kbps >= 0 ? this._integer.format(kbps) : this.dash;
  }

  /** A rate with the unit that suits its size: `512 kbit/s`, `4.25 Gbit/s`. */
  flow(kbps) {
    if (!known(kbps) || kbps < 0) return this.dash;
    const { units } = this.texts;
    if (kbps < 1e3) return `${this._integer.format(kbps)} ${units.kbps}`;
    if (kbps < 1e6) return `${this._short.format(kbps / 1e3)} ${units.mbps}`;
    return `${this._short.format(kbps / 1e6)} ${units.gbps}`;
  }

  /** A delay in ms as seconds: `0.8`, `12.4`; words where there is no stream. */
  delay(ms) {
    if (!known(ms)) return this.dash;
    if (ms === NO_DELAY_MS) return this.texts.no_stream;
    return this._tenth.format(Math.round(ms / 100) / 10 + 0); // and no "-0.0"
  }

  /** At most two decimals: `29.97`. */
  decimal(number) {
    return known(number) ? this._short.format(number) : this.dash;
  }

  /** How long something lasts or is ago, in seconds, as short as it can be told: `7 s`, `3 min`. */
  span(seconds) {
    if (!known(seconds)) return this.dash;
    const { units } = this.texts;
    const whole = Math.max(0, Math.round(seconds));
    if (whole < 100) return `${this._integer.format(whole)} ${units.s}`;
    if (whole < 6000) return `${this._integer.format(Math.floor(whole / 60))} ${units.min}`;
    if (whole < 172800) return `${this._integer.format(Math.floor(whole / 3600))} ${units.h}`;
    return `${this._integer.format(Math.floor(whole / 86400))} ${units.d}`;
  }

  /** How long something has lasted, in seconds, to the second largest unit: `3 h 12 min`. */
  lasting(seconds) {
    if (!known(seconds)) return this.dash;
    const { units } = this.texts;
    const whole = Math.max(0, Math.floor(seconds));
    const parts = [
      [Math.floor(whole / 86400), units.d],
      [Math.floor(whole / 3600) % 24, units.h],
      [Math.floor(whole / 60) % 60, units.min],
      [whole % 60, units.s],
    ];
    const first = parts.findIndex(([count]) => count);
    const told = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
    return told.map(([count, unit]) => `${this._integer.format(count)} ${unit}`).join(" ");
  }

  /** `08:00:03` in the reader's own time zone; takes ms since 1970. */
  clock(ms) {
    return known(ms) ? this._clock.format(ms) : this.dash;
  }

  /** `Nov 22, 2026, 08:00:03 UTC` in the reader's own time zone; takes ms since 1970. */
  date(ms) {
    return known(ms) ? this._date.format(ms) : this.dash;
  }

  /** `1024x576 at 24 H264/AAC`: of the picture what is known of it. */
  picture(entry) {
    const { stream_info_width: width, stream_info_height: height } = entry;
    const { stream_info_framerate: rate } = entry;
    const codecs = [this.video(entry), this.audio(entry)].filter((name) => name !== this.dash);
    const words = this.texts.picture(
      known(width) && known(height) ? `${width}x${height}` : "",
      known(rate) ? this.decimal(rate) : "",
      codecs.join("/"),
    );
    return words || this.dash;
  }

  /** The name of the picture's codec; where it has none, its number in FLV. */
  video(entry) {
    return this._codec(entry.video_codec, entry.stream_info_videocodecid);
  }

  /** The name of the sound's codec; where it has none, its number in FLV. */
  audio(entry) {
    return this._codec(entry.audio_codec, entry.stream_info_audiocodecid);
  }

  _codec(name, id) {
    return name || (known(id) ? `FLV ${id}` : this.dash);
  }
}

/** Whether a field holds a number. */
export function known(number) {
  return typeof number === "number" && !Number.isNaN(number);
}
