/**
 * In which order the streams stand: worst first, by a column, by server.
 */
import { COLUMNS } from "./columns.js";

export const DEFAULT = { key: "state", direction: "asc", grouped: false };
const BY_KEY = new Map(COLUMNS.map((column) => [column.key, column]));

/** The columns that can be sorted by. */
export const SORTABLE = COLUMNS.filter((column) => column.worst);

/** The order after a click on a column: its worst first, then the other way round. */
export function clicked(order, key) {
  const { worst } = BY_KEY.get(key);
  const other = worst === "asc" ? "desc" : "asc";
  const again = order.key === key && order.direction === worst;
  return { ...order, key, direction: again ? other : worst };
}

/** What an order is in the address: {} for the default. */
export function toAddress({ key, direction, grouped }) {
  const words = {};
  if (key !== DEFAULT.key || direction !== DEFAULT.direction) {
    words.sort = direction === "desc" ? `-${key}` : key;
  }
  if (grouped) words.group = "server";
  return words;
}

/** The order that an address asks for; what it asks in vain is the default. */
export function fromAddress(words) {
  const sort = words.get("sort") || "";
  const key = sort.replace(/^-/, "");
  const grouped = words.get("group") === "server";
  if (!SORTABLE.some((column) => column.key === key)) return { ...DEFAULT, grouped };
  return { key, direction: sort.startsWith("-") ? "desc" : "asc", grouped };
}

/** Where the API has the first streams of an order, null for one that it cannot make. */
export function firstPage({ key, direction, grouped }, count) {
  if (grouped || (key === "state" && direction === "desc")) return null;
  const byState = key === "state" ? 1 : 0;
  return `samples/0-${count}/null/${BY_KEY.get(key).field}/${direction}/${byState}`;
}

/** Sorts entries; keeps the rank of names, since collation is what costs. */
export class Sorter {
  constructor(code) {
    this._collator = new Intl.Collator(code, { numeric: true });
    this._ranks = new Map();
    this._ranked = new Map();
  }

  /** The entries in this order; what is not known comes last in both directions. */
  sort(entries, order) {
    this._rank(entries);
    const column = BY_KEY.get(order.key);
    const sign = order.direction === "desc" ? -1 : 1;
    const rank = this._ranks;
    const items = entries.map((entry) => ({
      entry,
      rank: rank.get(entry.mms_stream_id),
      value: column.value ? column.value(entry) : rank.get(entry.mms_stream_id),
      score: entry.score ?? 101,
    }));
    items.sort((a, b) => {
      if (a.value !== b.value) {
        if (a.value === null) return 1;
        if (b.value === null) return -1;
        return (a.value - b.value) * sign;
      }
      // among equals of a state the lower score is the worse one
      if (column.key === "state" && a.score !== b.score) return (a.score - b.score) * sign;
      return a.rank - b.rank;
    });
    return items.map((item) => item.entry);
  }

  /** Entries by server, the servers by name: [[server, entries], ...] in the order given. */
  group(entries) {
    const groups = new Map();
    for (const entry of entries) {
      if (!groups.has(entry.server)) groups.set(entry.server, []);
      groups.get(entry.server).push(entry);
    }
    return [...groups].sort(([a], [b]) => this._collator.compare(a, b));
  }

  _rank(entries) {
    const same = entries.length === this._ranked.size
      && entries.every((entry) => this._ranked.get(entry.mms_stream_id) === entry.unify_name);
    if (same) return;
    const named = entries.map((entry) => [entry.unify_name, entry.mms_stream_id]);
    named.sort(([a, x], [b, y]) => this._collator.compare(a, b) || x - y);
    this._ranks = new Map(named.map(([, id], i) => [id, i]));
    this._ranked = new Map(named.map(([name, id]) => [id, name]));
  }
}
