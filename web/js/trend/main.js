/**
 * The page of trends: brings its parts together.
 */
import * as address from "../address.js";
import { answer } from "../answer.js";
import { boundary } from "../boundary.js";
import { Catalogue } from "../catalogue.js";
import { byId, write } from "../element.js";
import { Format } from "../format.js";
import { offer } from "../languages.js";
import { toWord } from "../subject.js";
import { choose, LANGUAGES } from "../texts.js";
import { Graphs } from "./graphs.js";
import { Quantity } from "./quantity.js";
import { Range } from "./range.js";
import { Times } from "./times.js";
import { Tree } from "./tree.js";
import { fromWords, toWords } from "./view.js";

const BEAT_MS = 1000;
const NARROW = "(max-width: 56rem)";
const FIRST = "traffic";

class Trend {
  constructor() {
    const code = choose(address.words().get("lang"), navigator.languages);
    document.documentElement.lang = code;
    this.at = byId();
    this.format = new Format(code, LANGUAGES[code]);
    this.texts = this.format.texts;
    this._catalogue = new Catalogue(this.texts);
    this._told = null; // what the catalogue said
    this._entries = null; // id -> entry; null before the first answer
    this._known = 0; // up to which boundary the streams are
    this._view = fromWords(address.words());
    this._label(code);
    this._parts(code);
  }

  /** Begin. */
  start() {
    addEventListener("popstate", () => this._show(fromWords(address.words())));
    document.addEventListener("visibilitychange", () => this._beat());
    if (this._view.graphs.length && matchMedia(NARROW).matches) this.at.picker.open = false;
    setInterval(() => this._beat(), BEAT_MS);
    this._range.show(this._view);
    this._beat();
  }

  _parts(code) {
    const { at, format, texts } = this;
    const change = (parts) => this._changed(parts);
    const times = new Times(code);
    const looks = {
      format, times, catalogue: this._catalogue, quantity: new Quantity(code, texts),
    };
    this._range = new Range({ at, texts, times, change });
    this._tree = new Tree({ at, format, add: (...what) => this._add(...what) });
    this._graphs = new Graphs({
      at,
      looks,
      change,
      metricsOf: ({ kind }) => (kind === "machine" ? this._told.global : this._told.metrics),
      nameOf: (subject) => this._nameOf(subject),
      timed: (time) => this._range.timed(time),
    });
  }

  _label(code) {
    const { at, texts } = this;
    document.title = `${texts.trend.title} · tvmon`;
    write(at.title, texts.trend.title);
    write(at.streams, texts.trend.back_to_streams);
    at.streams.href = address.beside("./");
    write(at["language-label"], texts.language);
    write(at["picker-title"], texts.trend.tree);
    write(at["metric-label"], texts.pictures.metric);
    write(at.keys, texts.trend.keys);
    at.graphs.ariaLabel = texts.trend.graphs;
    offer(at.language, code);
  }

  /** One beat: what is not known yet, and what may be newer, is asked for. */
  _beat() {
    if (document.hidden) return;
    const now = Date.now();
    const newest = boundary(now);
    if (newest !== this._known) {
      this._known = newest;
      this._streams();
      if (!this._told) this._begin();
    }
    if (this._told) this._graphs.beat(now);
  }

  /** Ask what there is, and show it if there is anything. */
  async _begin() {
    const { at, texts } = this;
    try {
      const told = await this._catalogue.ask();
      if (told.trouble) throw new Error(told.trouble);
      this._told = told;
    } catch (error) {
      this._notice(texts.pictures.trouble(error.message));
      return;
    }
    at.metric.replaceChildren(...this._catalogue.options(this._told.metrics));
    if (this._told.metrics.some(({ name }) => name === FIRST)) at.metric.value = FIRST;
    this._graphs.tiers = this._told.tiers;
    this._plant();
    this._show(this._view);
  }

  async _streams() {
    try {
      const { samples } = await answer("samples");
      this._entries = new Map(samples.map((entry) => [entry.mms_stream_id, entry]));
      write(this.at["tree-trouble"], "");
    } catch (error) {
      write(this.at["tree-trouble"], this.texts.trend.no_streams(error.message));
      this._entries ||= new Map(); // everything, and the machine, can still be drawn
    }
    this._plant();
    this._graphs.rename();
  }

  /** The tree, as soon as it is known what stands in it. */
  _plant() {
    if (!this._entries) return;
    const targets = this._told
      ? this._told.global.map((target) => ({ ...target, title: this._catalogue.title(target) }))
      : [];
    this._tree.fill([...this._entries.values()], targets);
  }

  _add(subject, metric = this.at.metric.value) {
    if (!this._told) return;
    const word = toWord(subject, metric);
    const graphs = [...this._view.graphs, { subject, metric }];
    if (!this._view.graphs.some((graph) => toWord(graph.subject, graph.metric) === word)) {
      this._changed({ graphs });
      const title = this._catalogue.title({ name: metric });
      write(this.at.news, this.texts.trend.added(`${title}: ${this._nameOf(subject)}`));
    }
    this._graphs.reveal(word);
  }

  /** Somebody changed something: the address has it, and the browser's Back undoes it. */
  _changed(parts) {
    const view = { ...this._view, ...parts };
    history.pushState(null, "", `${location.pathname}${toWords(view, address.words())}`);
    this._show(view);
  }

  _show(view) {
    this._view = view;
    this._range.show(view);
    if (!this._told) return;
    this._graphs.show(view, Date.now());
    this._notice(view.graphs.length ? "" : this.texts.trend.empty);
  }

  _notice(sentence) {
    write(this.at.notice, sentence);
    this.at.notice.hidden = !sentence;
  }

  _nameOf(subject) {
    const { texts } = this;
    if (subject.kind === "all") return texts.trend.all;
    if (subject.kind === "machine") return texts.trend.machine;
    if (subject.kind === "vhost") return subject.name;
    const entry = this._entries?.get(Number(subject.name));
    return entry ? entry.unify_name : texts.trend.stream(subject.name);
  }
}

new Trend().start();
