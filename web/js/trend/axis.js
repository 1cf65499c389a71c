/**
 * Where the marks of an axis stand: round times in the reader's zone, and round values.
 */
const TIMES = [
  ["minute", 5, 300], ["minute", 10, 600], ["minute", 15, 900], ["minute", 30, 1800],
  ["hour", 1, 3600], ["hour", 2, 7200], ["hour", 3, 10800], ["hour", 6, 21600], ["hour", 12, 43200],
  ["day", 1, 86400], ["day", 2, 172800], ["day", 7, 604800], ["day", 14, 1209600],
  ["month", 1, 2678400], ["month", 2, 5356800], ["month", 3, 8035200], ["month", 6, 16070400],
  ["year", 1, 31622400], ["year", 2, 63244800], ["year", 5, 158112000],
];
const ROUND = [1, 2, 2.5, 5, 10];

/**
 * At most so many marks between two times, s since 1970: [{at, kind}, ...].
 *
 * `kind` says what of the time is new at the mark: `time`, `day`, `month` or `year`.
 */
export function timeMarks(from, to, most) {
  const wanted = (to - from) / Math.max(1, most);
  const [unit, count] = TIMES.find(([, , seconds]) => seconds >= wanted) || TIMES[TIMES.length - 1];
  const marks = [];
  let mark = floor(new Date(from * 1000), unit, count);
  for (let turn = 0; turn < 500; turn += 1) {
    const at = mark.getTime() / 1000;
    if (at > to) break;
    const last = marks[marks.length - 1];
    if (at >= from && !(last && last.at >= at)) marks.push({ at, kind: kindOf(mark, unit) });
    mark = next(mark, unit, count);
  }
  return marks;
}

/** Round values from at or below `low` to at or above `high`, some `count` of them, rising. */
export function valueMarks(low, high, count = 4) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ROUND.find((round) => round * power >= rough * (1 - 1e-9));
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function floor(date, unit, count) {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const down = (number) => number - (number % count);
  if (unit === "year") return new Date(down(year), 0, 1);
  if (unit === "month") return new Date(year, down(month), 1);
  if (unit === "day") return new Date(year, month, count === 1 ? day : 1 + down(day - 1));
  if (unit === "hour") return new Date(year, month, day, down(date.getHours()));
  return new Date(year, month, day, date.getHours(), down(date.getMinutes()));
}

function next(date, unit, count) {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  if (unit === "year") return new Date(year + count, 0, 1);
  if (unit === "month") return new Date(year, month + count, 1);
  if (unit === "day") {
    const then = new Date(year, month, day + count);
    // every month begins anew at its first day, and no two marks stand side by side
    const rest = new Date(then.getFullYear(), then.getMonth() + 1, 1) - then;
    if (then.getMonth() !== month) return new Date(year, month + 1, 1);
    return count > 1 && rest < count * 43200000 ? new Date(year, month + 1, 1) : then;
  }
  if (unit === "hour") {
    // across a change of the clocks a step of real time may not reach the next round hour
    const then = new Date(year, month, day, date.getHours() + count);
    return then > date ? then : new Date(date.getTime() + count * 3600000);
  }
  return new Date(date.getTime() + count * 60000);
}

function kindOf(date, unit) {
  if (date.getHours() || date.getMinutes()) return "time";
  if (unit === "year" || (unit === "month" && date.getMonth() === 0)) return "year";
  return unit === "month" ? "month" : "day";
}
