/**
 * The tree of all that can be drawn.  What is folded is not made, and of many children the first
 * few hundred are, so that ten thousand streams are as quick as ten.
 *
 * One stop for Tab; arrows go from node to node, fold and unfold; Enter draws.
 */
import { html, write } from "../element.js";
import { nodesOf } from "./nodes.js";

const AT_ONCE = 300; // children
const FEW = 100; // that a filter leaves are unfolded at once

export class Tree {
  /**
   * @param at the page's elements by their ids
   * @param add called with a subject, and a metric where it can only be this one
   */
  constructor({ at, format, add }) {
    this._at = at;
    this._format = format;
    this._add = add;
    this._nodes = new WeakMap(); // item -> its node
    this._open = new Set(["all"]); // keys
    this._entries = [];
    this._targets = [];
    at.tree.ariaLabel = format.texts.trend.tree;
    at.filter.placeholder = format.texts.trend.filter;
    at.filter.ariaLabel = format.texts.trend.filter;
    at.filter.addEventListener("input", () => this._build());
    at.filter.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") this._go(at.tree.firstElementChild);
    });
    at.tree.addEventListener("click", (event) => this._clicked(event));
    at.tree.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (this._key(event)) event.preventDefault();
    });
  }

  /** Show these streams, and these targets of the machine with their titles. */
  fill(entries, targets) {
    this._entries = entries;
    this._targets = targets;
    this._build();
  }

  _build() {
    const { tree, filter, found } = this._at;
    const { texts } = this._format;
    const wanted = filter.value.trim().toLocaleLowerCase();
    const has = (text) => text.toLocaleLowerCase().includes(wanted);
    const entries = wanted
      ? this._entries.filter((entry) => has(entry.unify_name) || has(entry.server))
      : this._entries;
    const targets = this._targets.filter(({ title }) => !wanted || has(title));
    this._all = Boolean(wanted) && entries.length + targets.length <= FEW;
    const focused = tree.contains(document.activeElement)
      && this._nodes.get(document.activeElement)?.key;
    tree.replaceChildren(...nodesOf(entries, targets, texts).map((node) => this._item(node, 1)));
    const items = [...tree.querySelectorAll("[role=treeitem]")];
    const stop = items.find((item) => this._nodes.get(item).key === focused) || items[0];
    if (focused) this._go(stop);
    else this._stop(stop);
    write(found, wanted ? texts.trend.found(this._format.integer(entries.length)) : "");
  }

  _item(node, level) {
    const { texts } = this._format;
    const folds = node.children !== null;
    const parts = [html("bdi", { className: "label" }, node.label)];
    if (node.count !== undefined) parts.push(html("span", { className: "count-of" }, this._format.integer(node.count)));
    if (node.subject) parts.push(html("span", { className: "add", title: texts.trend.add, ariaHidden: "true" }, "+"));
    const line = html("span", { className: "node", title: node.title || "" }, html("span", { className: "fold" }), ...parts);
    if (node.state) line.dataset.state = node.state;
    const word = node.state ? `, ${texts.states[node.state]}` : "";
    const item = html(
      "li", { role: "treeitem", tabIndex: -1, ariaLevel: level, ariaLabel: `${node.label}${word}` }, line,
    );
    this._nodes.set(item, { ...node, level });
    if (folds) this._fold(item, this._open.has(node.key) || (this._all && node.key !== "machine"));
    return item;
  }

  /** Unfold an item or fold it. */
  _fold(item, open) {
    const node = this._nodes.get(item);
    item.ariaExpanded = String(open);
    if (!open) {
      if (item.children[1]) item.children[1].remove();
      return;
    }
    const group = html("ul", { role: "group" });
    item.append(group);
    this._fill(group, node.children(), node.level + 1);
  }

  _fill(group, nodes, level) {
    group.append(...nodes.slice(0, AT_ONCE).map((node) => this._item(node, level)));
    const rest = nodes.slice(AT_ONCE);
    if (!rest.length) return;
    group.append(this._item({
      key: "more",
      label: this._format.texts.trend.more(this._format.integer(rest.length)),
      subject: null,
      children: null,
      more: (item) => {
        item.remove();
        const first = group.children.length;
        this._fill(group, rest, level);
        this._go(group.children[first]);
      },
    }, level));
  }

  _toggle(item) {
    const node = this._nodes.get(item);
    const open = item.ariaExpanded !== "true";
    this._fold(item, open);
    if (open) this._open.add(node.key);
    else this._open.delete(node.key);
  }

  /** Draw what an item stands for. */
  _act(item) {
    const { subject, metric, more } = this._nodes.get(item);
    if (subject) this._add(subject, metric);
    else if (more) more(item);
    else this._toggle(item);
  }

  _clicked(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || !event.target.closest(".node")) return;
    this._go(item);
    if (event.target.closest(".fold") && item.ariaExpanded !== null) this._toggle(item);
    else this._act(item);
  }

  _key({ key, target }) {
    const open = target.ariaExpanded;
    const parent = target.parentNode.closest("[role=treeitem]");
    if (key === "Enter" || key === " ") this._act(target);
    else if (key === "ArrowDown") this._go(after(target, true));
    else if (key === "ArrowUp") this._go(before(target) || parent);
    else if (key === "Home") this._go(this._at.tree.firstElementChild);
    else if (key === "End") this._go(deepest(this._at.tree.lastElementChild));
    else if (key === "ArrowRight" && open === "false") this._toggle(target);
    else if (key === "ArrowRight" && open === "true") this._go(target.children[1].firstElementChild);
    else if (key === "ArrowLeft" && open === "true") this._toggle(target);
    else if (key === "ArrowLeft") this._go(parent);
    else return false;
    return true;
  }

  _go(item) {
    if (!item) return;
    this._stop(item);
    item.focus({ preventScroll: true });
    item.firstElementChild.scrollIntoView({ block: "nearest" });
  }

  _stop(item) {
    if (this._stopped) this._stopped.tabIndex = -1;
    this._stopped = item;
    if (item) item.tabIndex = 0;
  }
}

/** The item below, at whatever level; of an unfolded one that is its first child. */
function after(item, inside) {
  if (inside && item.children[1]?.firstElementChild) return item.children[1].firstElementChild;
  const parent = item.parentNode.closest("[role=treeitem]");
  return item.nextElementSibling || (parent && after(parent, false));
}

function before(item) {
  return item.previousElementSibling && deepest(item.previousElementSibling);
}

/** The last item that is shown within one. */
function deepest(item) {
  const last = item.children[1]?.lastElementChild;
  return last ? deepest(last) : item;
}
