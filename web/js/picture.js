/**
 * A graph as the daemon draws it: light or dark as the page is, and a sentence where there is none.
 */
import { answer } from "./answer.js";
import { html, write } from "./element.js";
import { graphOf } from "./subject.js";

export class Picture {
  /** @param changed called when it turned out that there is a picture, or that there is none */
  constructor(texts, changed = () => {}) {
    this._texts = texts;
    this._changed = changed;
    this._dark = html("source", { media: "(prefers-color-scheme: dark)" });
    this._image = html("img", { decoding: "async" });
    this.picture = html("picture", { className: "graph-picture" }, this._dark, this._image);
    this.trouble = html("p", { className: "trouble", hidden: true }, "");
    this._image.addEventListener("load", () => this._tell(""));
    this._image.addEventListener("error", () => this._failed());
  }

  /**
   * Show a metric of a subject.
   *
   * @param words arguments of the graph: its start, end, width and height
   */
  show(subject, metric, words, alt) {
    const address = (theme) => graphOf(subject, metric, { ...words, theme });
    this._image.alt = alt;
    this._image.width = words.width;
    this._image.height = words.height;
    this._dark.width = words.width;
    this._dark.height = words.height;
    this._dark.srcset = address("dark");
    this._image.src = address("light");
  }

  /** An image does not say why there is none; whoever asks for it otherwise is told. */
  async _failed() {
    const address = this._image.currentSrc || this._image.src;
    let why = "";
    try {
      await answer(address);
    } catch (error) {
      if (!(error instanceof SyntaxError)) why = error.message; // that would be a picture after all
    }
    if (address === (this._image.currentSrc || this._image.src)) {
      this._tell(this._texts.pictures.failed(why));
    }
  }

  _tell(sentence) {
    write(this.trouble, sentence);
    this.trouble.hidden = !sentence;
    this.picture.hidden = Boolean(sentence);
    this._changed(!sentence);
  }
}
