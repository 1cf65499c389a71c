/**
 * The rows of an answer: what is drawn of them, and what they come to.
 *
 * A row is [time, value or null]; its time, s since 1970, is the end of what it covers.
 */

/** The lines of an answer: [{name, title, unit, mean, low, high}], of which low and high may be null. */
export function linesOf({ series }) {
  const lines = new Map();
  for (const { name, title, cf, unit, points } of series) {
    const line = lines.get(name) || { name, title, unit, mean: null, low: null, high: null };
    lines.set(name, line);
    if (cf === "MIN") line.low = points;
    else if (cf === "MAX") line.high = points;
    else line.mean = points;
  }
  return [...lines.values()].filter((line) => line.mean);
}

/** The value of the row that covers a time, null where none does or nothing is known. */
export function valueAt(rows, time, step) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] < time) low = middle + 1;
    else high = middle;
  }
  const row = rows[low];
  return row && row[0] - step < time ? row[1] : null;
}

/** What is known of a line: {last, least, mean, most}, each null where nothing is. */
export function summary({ mean, low, high }) {
  const told = (rows) => rows.map(([, value]) => value).filter((value) => value !== null);
  const means = told(mean);
  const extreme = (rows, pick) => (rows.length ? rows.reduce((one, other) => pick(one, other)) : null);
  return {
    last: means.length ? means[means.length - 1] : null,
    least: extreme(low ? told(low) : means, Math.min),
    mean: means.length ? means.reduce((sum, value) => sum + value, 0) / means.length : null,
    most: extreme(high ? told(high) : means, Math.max),
  };
}

/** A path along the rows, each as wide as what it covers; nothing where nothing is known. */
export function stepsOf(rows, step, x, y) {
  let path = "";
  let until = null; // up to where the pen has drawn
  for (const [time, value] of rows) {
    if (value === null) {
      until = null;
      continue;
    }
    const from = x(time - step);
    path += until === from ? `V${y(value)}H${x(time)}` : `M${from} ${y(value)}H${x(time)}`;
    until = x(time);
  }
  return path;
}

/** The outline of what lies between two lines of rows, wherever both are known. */
export function bandOf(low, high, step, x, y) {
  const under = new Map(low);
  let path = "";
  let run = [];
  const close = () => {
    if (!run.length) return;
    const there = run.map(([time, , top]) => `${x(time - step)} ${y(top)}H${x(time)}`).join("L");
    const back = [...run].reverse()
      .map(([time, bottom]) => `${x(time)} ${y(bottom)}H${x(time - step)}`).join("L");
    path += `M${there}L${back}Z`;
    run = [];
  };
  for (const [time, top] of high) {
    const bottom = under.get(time) ?? null;
    if (top === null || bottom === null) close();
    else run.push([time, bottom, top]);
  }
  close();
  return path;
}

/** The rows, so many seconds later: an earlier time laid over this one. */
export function later(rows, seconds) {
  return rows.map(([time, value]) => [time + seconds, value]);
}
