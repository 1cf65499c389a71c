/**
 * The kept samples of a stream: fetched when somebody looks, and carried on by what comes live.
 *
 * A point is one sample: {at: ms since 1970, failed: reason or null, score, in, out, expected,
 * delay, viewers}; what is not known is null.  Rates are kbit/s, the delay is in seconds.
 */
import { answer } from "./answer.js";
import { known } from "./format.js";

export const KEPT = 200;
const NO_DELAY_MS = 999999;

/** The points of a stream, oldest first; `signal` gives up. */
export async function fetchPast(id, signal) {
  const { samples } = await answer(`samples/${id}/history?limit=${KEPT}`, signal);
  return samples.map(fromSample).reverse();
}

/** The point that an entry's newest sample is, null where there is none. */
export function fromEntry(entry) {
  if (!entry.sample_time) return null;
  return fromSample({
    ...entry,
    upstream_kbps: entry.average_upstream_kbps.last_3,
    downstream_kbps: entry.average_downstream_kbps.last_3,
  });
}

/**
 * Points that were kept, with what was expected of the stream at each of them.
 *
 * That is not kept.  Where the stream declares it, each sample says it itself; what is configured
 * or learned hardly changes over so short a time, so it is what is expected by the entry now.
 */
export function expecting(points, entry) {
  const { expected_kbps: expected, expected_by: by } = entry;
  if (by === "declared" || !known(expected)) return points;
  return points.map((point) => ({ ...point, expected }));
}

/** Carry the points on by a newer one; at most as many as are kept. */
export function carryOn(points, point) {
  const last = points[points.length - 1];
  if (!point || (last && last.at >= point.at)) return points;
  return [...points.slice(points.length >= KEPT ? 1 : 0), point];
}

/** Runs of failed samples: [{from, to, reason, count}], oldest first. */
export function failures(points) {
  const runs = [];
  let run = null;
  for (const point of points) {
    if (!point.failed) run = null;
    else if (run && run.reason === point.failed) {
      run.to = point.at;
      run.count += 1;
    } else runs.push(run = { from: point.at, to: point.at, reason: point.failed, count: 1 });
  }
  return runs;
}

function fromSample(sample) {
  const delay = sample.live_delay_ms;
  const audio = sample.stream_info_audiodatarate;
  const video = sample.stream_info_videodatarate;
  const declared = known(audio) || known(video) ? (audio || 0) + (video || 0) : null;
  return {
    at: Date.parse(sample.sample_time),
    failed: sample.is_failed ? sample.failed_reason || "?" : null,
    score: known(sample.score) ? sample.score : null,
    in: rate(sample.upstream_kbps),
    out: rate(sample.downstream_kbps),
    expected: known(sample.expected_kbps) ? sample.expected_kbps : declared,
    delay: known(delay) && delay !== NO_DELAY_MS ? delay / 1000 : null,
    viewers: known(sample.clients_connected) ? sample.clients_connected : null,
  };
}

function rate(kbps) {
  return known(kbps) && kbps >= 0 ? kbps : null;
}
