/**
 * One stream in the table: its line, and below it the folded detail.
 *
 * Everything a server told ends up as the text of a text node, never as markup.
 */
import { COLUMNS, stateOf } from "./columns.js";
import { write } from "./element.js";
import { blank, show } from "./scores.js";

const CELLS = COLUMNS.filter((column) => column.text && column.key !== "name");
const HISTORY = COLUMNS.find((column) => column.key === "history");
const AGE = COLUMNS.find((column) => column.key === "age");

/** Fill the template of a row, so that a row is one clone and no loop. */
export function prepare(template) {
  const line = template.content.querySelector(".line");
  for (const column of COLUMNS) {
    const cell = document.createElement(column.key === "name" ? "th" : "td");
    cell.className = column.numeric ? `${column.key} figure` : column.key;
    if (column.key === "name") {
      cell.scope = "row";
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = -1;
      button.setAttribute("aria-expanded", "false");
      button.append("-");
      cell.append(button);
    } else if (column.text) {
      cell.append("-");
    }
    line.append(cell);
  }
}

export class Row {
  constructor(template, id) {
    const [line, detail] = template.content.cloneNode(true).children;
    line.id = `stream-${id}`;
    this.id = id;
    this.line = line;
    this.detail = detail;
    this.elements = [line, detail];
    this.open = false;
    this.state = "";
    this._facts = detail.firstElementChild.firstElementChild.firstChild;
  }

  get button() {
    return this.line.children[1].firstElementChild;
  }

  /** Show an entry; `now` is the daemon's clock in ms. */
  patch(entry, format, now) {
    const state = stateOf(entry);
    if (state !== this.state) {
      this.state = state;
      this.line.dataset.state = state;
    }
    const cells = this.line.children;
    write(cells[1].firstElementChild.firstChild, entry.unify_name);
    for (const column of CELLS) {
      write(cells[column.index].firstChild, column.text(entry, format, now));
    }
  }

  /** Show how old the newest sample is by now. */
  age(entry, format, now) {
    write(this.line.children[AGE.index].firstChild, AGE.text(entry, format, now));
  }

  /** The text that Ctrl+F finds while the detail is folded. */
  tell(facts) {
    write(this._facts, facts);
  }

  /** Unfold the detail, with this in it, or fold it (null). */
  unfold(inside) {
    const open = inside !== null;
    this.open = open;
    const cell = this.detail.firstElementChild;
    if (open) {
      this.detail.removeAttribute("hidden");
      cell.append(inside);
    } else {
      this.detail.setAttribute("hidden", "until-found");
      this.detail.classList.remove("found");
    }
    // a folded detail is no row of the table for those who hear it
    for (const element of [this.detail, cell]) {
      if (open) element.removeAttribute("role");
      else element.setAttribute("role", "none");
    }
    this.button.setAttribute("aria-expanded", String(open));
    this.line.classList.toggle("open", open);
  }

  /** Show the drawing of the last scores; `lines` is what Scores.draw() gave, null takes it away. */
  draw(lines) {
    const cell = this.line.children[HISTORY.index];
    if (lines === null) cell.replaceChildren();
    else show(cell.firstChild || cell.appendChild(blank()), lines);
  }
}
