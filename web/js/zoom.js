/**
 * One picture enlarged over the page, with steps to the other spans; Escape closes it.
 */
import { html, write } from "./element.js";
import { Picture } from "./picture.js";

const MARGIN = 48; // px around the picture
const ABOVE = 150; // px of the dialog that are not the picture
const LARGEST = [1600, 800]; // px
const SMALLEST = [240, 140];

export class Zoom {
  /**
   * @param spans [[name, seconds], ...]
   * @param fill called as fill(picture, span, seconds, {width, height}); returns what is shown
   * @param closed called when it is closed; the focus is where it was before by then
   */
  constructor({ texts, spans, span, fill, closed }) {
    this._spans = spans;
    this._fill = fill;
    this._picture = new Picture(texts);
    this._title = html("h2", {}, "");
    this._buttons = spans.map(([name], index) => {
      const button = html("button", { type: "button" }, texts.spans[name]);
      button.addEventListener("click", () => this._go(index));
      return button;
    });
    const close = html("button", { type: "button", className: "close" }, texts.pictures.close);
    close.addEventListener("click", () => this.close());
    this._dialog = html(
      "dialog", { className: "zoom" },
      this._title,
      html("p", { className: "controls" }, ...this._buttons, close),
      this._picture.picture, this._picture.trouble,
    );
    this._dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const index = this._index + step;
      if (!step || !spans[index]) return;
      event.preventDefault();
      this._go(index);
      this._buttons[index].focus();
    });
    this._dialog.addEventListener("click", (event) => {
      if (event.target === this._dialog) this.close(); // beside it
    });
    this._dialog.addEventListener("close", () => {
      this._dialog.remove();
      closed();
    });
    document.body.append(this._dialog);
    this._dialog.showModal();
    this._go(spans.findIndex(([name]) => name === span));
    this._buttons[this._index].focus();
  }

  /** There are newer numbers. */
  renew() {
    this._go(this._index);
  }

  close() {
    this._dialog.close();
  }

  _go(index) {
    this._index = index;
    const [span, seconds] = this._spans[index];
    this._buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
    const width = between(SMALLEST[0], innerWidth - MARGIN, LARGEST[0]);
    const height = between(SMALLEST[1], Math.min(innerHeight - ABOVE, width / 2), LARGEST[1]);
    const words = this._fill(this._picture, span, seconds, { width, height });
    write(this._title, words);
    this._dialog.ariaLabel = words;
  }
}

function between(least, wanted, most) {
  return Math.floor(Math.max(least, Math.min(wanted, most)));
}
