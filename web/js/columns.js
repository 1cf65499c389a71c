/**
 * The columns of a line: what each one says of an entry, and by what it sorts.
 *
 * `value` gives the number to sort by, null where it is not known; `worst` is the order in which
 * the worst comes first, "asc" or "desc"; `field` is what the API calls the same.
 */
import { known } from "./format.js";

export const LEVELS = ["bad", "problem", "good"];
const URGENCY = { bad: 0, problem: 1, unknown: 2, good: 3 };
const MEASURED = -1; // a rate that cannot be known

/** `bad`, `problem`, `good` or `unknown`. */
export function stateOf(entry) {
  return LEVELS[entry.score_level] || "unknown";
}

const rate = (key, field, last) => ({
  key,
  field: `${field}.${last}`,
  numeric: true,
  worst: "asc",
  value: (entry) => (entry[field][last] === MEASURED ? null : entry[field][last]),
  text: (entry, format) => format.rate(entry[field][last]),
});

const IN = "average_upstream_kbps";
const OUT = "average_downstream_kbps";

export const COLUMNS = [
  {
    key: "state",
    field: "score",
    worst: "asc",
    value: (entry) => URGENCY[stateOf(entry)],
    text: (entry, format) => format.texts.states[stateOf(entry)],
  },
  { key: "name", field: "unify_name", worst: "asc", value: null, text: (entry) => entry.unify_name },
  {
    key: "score",
    field: "score",
    numeric: true,
    worst: "asc",
    value: (entry) => entry.score,
    text: (entry, format) => format.integer(entry.score),
  },
  { key: "history", worst: null, value: null, text: null },
  rate("in_3", IN, "last_3"),
  rate("in_10", IN, "last_10"),
  rate("in_100", IN, "last_100"),
  rate("in_total", IN, "total"),
  rate("out_3", OUT, "last_3"),
  rate("out_10", OUT, "last_10"),
  rate("out_100", OUT, "last_100"),
  rate("out_total", OUT, "total"),
  {
    key: "delay",
    field: "live_delay_ms",
    numeric: true,
    worst: "desc",
    value: (entry) => entry.live_delay_ms,
    text: (entry, format) => format.delay(entry.live_delay_ms),
  },
  {
    key: "viewers",
    field: "clients_connected",
    numeric: true,
    worst: "desc",
    value: (entry) => entry.clients_connected,
    text: (entry, format) => format.integer(entry.clients_connected),
  },
  {
    key: "picture",
    field: "stream_info_width",
    worst: "asc",
    value: (entry) => {
      const { stream_info_width: width, stream_info_height: height } = entry;
      return known(width) && known(height) ? width * height : null;
    },
    text: (entry, format) => format.texts.absence[entry.presence] || format.picture(entry),
  },
  {
    key: "age",
    field: "sample_time",
    numeric: true,
    worst: "asc",
    value: (entry) => (entry.sample_time ? Date.parse(entry.sample_time) : null),
    text: (entry, format, now) =>
      format.span(entry.sample_time ? (now - Date.parse(entry.sample_time)) / 1000 : null),
  },
  {
    key: "reason",
    worst: null,
    value: null,
    text: (entry, format) => {
      const reasons = entry.score_reasons;
      // of a whole score there is only how it is known, which is told in the detail
      if (!reasons.length || entry.score === 100) return "";
      const more = reasons.length - 1;
      return more ? `${reasons[0]} ${format.texts.more_reasons(more)}` : reasons[0];
    },
  },
];

COLUMNS.forEach((column, index) => {
  column.index = index;
});
