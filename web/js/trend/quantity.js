/**
 * Values with their units, in the steps of the SI: `4.25 Mbit/s`, `12 k`, `0.8 ms`.
 */
import { known } from "../format.js";

const SCALED = ["bit/s", "byte"];
const LARGEST = 5; // steps of a thousand

export class Quantity {
  constructor(code, texts) {
    this._texts = texts;
    this._number = new Intl.NumberFormat(code, { maximumSignificantDigits: 3 });
    this._whole = new Intl.NumberFormat(code, { maximumFractionDigits: 0 });
  }

  /** A value with its unit; what is only counted (viewers, points) has none. */
  show(value, unit) {
    if (!known(value)) return this._texts.dash;
    const { prefixes, quantities } = this._texts;
    const sign = quantities[unit] || "";
    const size = Math.abs(value);
    const counted = !SCALED.includes(unit);
    const steps = size < 1000 || (counted && size < 1e5)
      ? 0
      : Math.min(LARGEST, Math.floor(Math.log10(size) / 3 + 1e-9));
    const scaled = value / 1000 ** steps;
    const digits = Math.abs(scaled) < 1000 ? this._number : this._whole;
    const words = digits.format(Object.is(scaled, -0) ? 0 : scaled);
    const tail = `${prefixes[steps]}${sign}`;
    return tail ? `${words}\u00a0${tail}` : words;
  }
}
