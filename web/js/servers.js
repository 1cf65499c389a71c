/**
 * The media servers beside one another: their kinds, how many of their streams are how well, what
 * is wrong with them, and what is new in their answers.
 *
 * A few are shown at once; many are folded to a line that names those that somebody must look at.
 */
import { html, write } from "./element.js";

const STATES = ["bad", "problem", "good", "unknown"];
const FEW = 6; // are unfolded from the start, in a window that has the room
const ROOM = "(min-width: 40.01rem) and (min-height: 30.01rem)";
const NAMED = 4; // that the line names, of those in trouble and of those with other fields each
const NONE = { bad: 0, problem: 0, good: 0, unknown: 0 };

export class Servers {
  /** @param at the page's elements by their ids */
  constructor(at, format) {
    this._at = at;
    this._format = format;
    this._items = new Map(); // name -> Server
    this._shown = null;
    at["servers-list"].ariaLabel = format.texts.servers.list;
    let opened = false; // for the printer alone
    addEventListener("beforeprint", () => {
      opened = !at.servers.open;
      at.servers.open = true;
    });
    addEventListener("afterprint", () => {
      if (opened) at.servers.open = false;
    });
  }

  /**
   * Show them, as they are told and as their streams are now.
   *
   * @param servers what /servers said last, null before the first answer
   * @param sums what Store.sum() said, null before the first answer
   */
  show(servers, sums) {
    if (!servers || !sums) return;
    if (servers !== this._shown) this._take(servers);
    for (const [name, item] of this._items) item.count(sums.servers.get(name) || NONE, this._format);
  }

  _take(servers) {
    const at = this._at;
    const { texts } = this._format;
    if (!this._shown) at.servers.open = servers.length <= FEW && matchMedia(ROOM).matches;
    this._shown = servers;
    at.servers.hidden = !servers.length;
    // many are a list that scrolls, and the keyboard must reach it
    if (servers.length > FEW) at["servers-list"].tabIndex = 0;
    else at["servers-list"].removeAttribute("tabindex");
    const items = servers.map((server) => {
      const item = this._items.get(server.name) || new Server(texts);
      item.tell(server, this._format);
      return [server.name, item];
    });
    this._items = new Map(items);
    arrange(at["servers-list"], items.map(([, item]) => item.element));
    write(at["servers-title"], texts.servers.title(this._format.integer(servers.length)));
    this._note("trouble", servers.filter((server) => server.trouble !== null));
    this._note("drift", servers.filter((server) => names(server).length));
  }

  _note(what, servers) {
    const note = this._at[`servers-${what}`];
    const { texts } = this._format;
    const told = servers.slice(0, NAMED).map((server) => server.name).join(", ");
    const more = servers.length - NAMED;
    note.hidden = !servers.length;
    write(note, texts.servers[what](more > 0 ? `${told} ${texts.more_reasons(more)}` : told));
  }
}

/** One of them. */
class Server {
  constructor(texts) {
    this._name = html("bdi", {}, "");
    this._kind = html("span", { className: "kind" }, "");
    this._counts = STATES.map((state) => {
      const number = html("span", {}, "");
      const word = html("span", { className: "unseen" }, ` ${texts.states[state]}`);
      const title = texts.states[state];
      return [state, number, html("span", { className: `count ${state}`, title }, number, word)];
    });
    this._trouble = html("p", { className: "trouble", lang: "en" }, "");
    this._news = html("summary", {}, "");
    this._fields = html("p", { className: "names" }, "");
    this._drift = html("details", { className: "drift" }, this._news, this._fields);
    const counts = this._counts.flatMap(([, , count]) => [" ", count]);
    const line = html("div", { className: "its" }, this._name, " ", this._kind, ...counts);
    this.element = html("li", { className: "server" }, line, this._trouble, this._drift);
  }

  /** What /servers says of it. */
  tell(server, format) {
    const { texts } = format;
    write(this._name, server.name);
    write(this._kind, server.kind);
    this._trouble.hidden = server.trouble === null;
    write(this._trouble, server.trouble || "");
    this._drift.hidden = !names(server).length;
    const { unknown, missing } = texts.servers;
    const fields = [[unknown, server.fields_unknown], [missing, server.fields_missing]]
      .map(([say, counts]) => [say, Object.entries(counts)])
      .filter(([, counts]) => counts.length);
    const told = ([name, count]) => `${name} (${format.integer(count)})`;
    write(this._news, fields.map(([say, { length }]) => say(format.integer(length))).join(", "));
    write(this._fields, fields.map(([say, counts]) => say(counts.map(told).join(", "))).join("; "));
  }

  /** How many of its streams are how well. */
  count(counts, format) {
    for (const [state, number, element] of this._counts) {
      if (element.hidden !== !counts[state]) element.hidden = !counts[state];
      write(number, format.integer(counts[state]));
    }
  }
}

/** The fields that are new in the answers of a server, or missing. */
function names(server) {
  return [...Object.keys(server.fields_unknown), ...Object.keys(server.fields_missing)];
}

/** Give a list these children, and touch none that stands where it should. */
function arrange(list, children) {
  children.forEach((child, i) => {
    if (list.children[i] !== child) list.insertBefore(child, list.children[i] || null);
  });
  while (list.children.length > children.length) list.lastChild.remove();
}
