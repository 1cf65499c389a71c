/**
 * What the page shows, as its address has it: which graphs, over which time, compared with what.
 *
 * A view is {graphs: [{subject, metric}], start, end, compare}.  Start and end are words that
 * rrdtool understands, or seconds since 1970; an empty `compare` compares with nothing.
 */
import { fromWord, toWord } from "../subject.js";

export const PRESETS = { day: "-1day", week: "-1week", month: "-1month", year: "-1year" };
export const COMPARED = ["day", "week", "month", "year"];
export const NOW = "now";
const DAY_S = 86400;

/** What an address asks for; what it says that means nothing is left out. */
export function fromWords(words) {
  const compare = words.get("compare") || "";
  return {
    graphs: once(words.getAll("graph").map(fromWord).filter(Boolean)
      .map(([subject, metric]) => ({ subject, metric }))),
    start: words.get("start") || PRESETS.day,
    end: words.get("end") || NOW,
    compare: COMPARED.includes(compare) ? compare : "",
  };
}

/** The address of a view, from `?` on; words that are not of a view stay as they are. */
export function toWords(view, words) {
  const said = new URLSearchParams();
  for (const [name, value] of words) {
    if (!["graph", "start", "end", "compare"].includes(name)) said.append(name, value);
  }
  for (const { subject, metric } of view.graphs) said.append("graph", toWord(subject, metric));
  if (view.start !== PRESETS.day || view.end !== NOW) said.set("start", view.start);
  if (view.end !== NOW) said.set("end", view.end);
  if (view.compare) said.set("compare", view.compare);
  return said.size ? `?${said}` : "";
}

/** Graphs, of which each is drawn once. */
export function once(graphs) {
  return [...new Map(graphs.map((graph) => [toWord(graph.subject, graph.metric), graph])).values()];
}

/** Whether two views show the same time. */
export function sameTime(one, other) {
  return one.start === other.start && one.end === other.end;
}

/** By how many seconds a span is moved back to be compared; `end` is its end, s since 1970. */
export function shiftOf(compare, end) {
  if (compare === "day") return DAY_S;
  if (compare === "week") return 7 * DAY_S;
  const then = new Date(end * 1000);
  const day = then.getUTCDate();
  then.setUTCDate(1);
  then.setUTCMonth(then.getUTCMonth() - (compare === "month" ? 1 : 12));
  const last = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() + 1, 0)).getUTCDate();
  then.setUTCDate(Math.min(day, last)); // a month before March 31 is the last of February
  return end - then.getTime() / 1000;
}
