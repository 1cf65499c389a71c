/**
 * What histories there are, as /history tells: metrics of streams, targets of the machine, tiers.
 */
import { answer } from "./answer.js";

export class Catalogue {
  constructor(texts) {
    this._texts = texts;
    this._asked = null;
  }

  /**
   * {trouble, tiers, metrics, global}; `trouble` is a sentence where there is nothing to be shown.
   *
   * It hardly ever changes, so it is asked for once, and again after an error or a trouble.
   */
  async ask() {
    this._asked ||= answer("history");
    try {
      const told = await this._asked;
      if (told.trouble) this._asked = null;
      return told;
    } catch (error) {
      this._asked = null;
      throw error;
    }
  }

  /** What a metric is called in the reader's language, or else as the daemon calls it. */
  title({ name, title }) {
    return this._texts.metrics[name] || title || name;
  }

  /** What a line of a metric is called. */
  line({ name, title }) {
    return this._texts.series[name] || title || name;
  }

  /** The options of a choice of metrics. */
  options(metrics) {
    return metrics.map((metric) => new Option(this.title(metric), metric.name));
  }
}
