/**
 * The scores of the last samples of every stream, a byte each, and the small drawing of them.
 */
import { svg } from "./element.js";
import { KEPT } from "./past.js";

const FAILED = 255;
const UNKNOWN = 254; // a good sample without a score
const HEIGHT = 20;

export class Scores {
  constructor() {
    this._rings = new Map(); // id -> {bytes, next, count, at}
  }

  /** A stream has a newer sample. */
  add(entry) {
    if (!entry.sample_time) return;
    const ring = this._ring(entry.mms_stream_id);
    if (ring.at === entry.sample_time) return;
    ring.at = entry.sample_time;
    push(ring, entry.is_failed ? FAILED : entry.score ?? UNKNOWN);
  }

  /** The kept samples of a stream, oldest first, in place of what is known of it. */
  fill(id, points) {
    const ring = this._ring(id);
    ring.next = 0;
    ring.count = 0;
    for (const point of points) push(ring, point.failed ? FAILED : point.score ?? UNKNOWN);
  }

  /** A stream is gone. */
  drop(id) {
    this._rings.delete(id);
  }

  /** The lines of the drawing of a stream: [the score, the failed samples]. */
  draw(id) {
    const ring = this._rings.get(id);
    if (!ring) return ["", ""];
    let line = "";
    let gaps = "";
    let down = false;
    const start = KEPT - ring.count;
    for (let i = 0; i < ring.count; i += 1) {
      const score = ring.bytes[(ring.next - ring.count + i + KEPT) % KEPT];
      const x = start + i;
      if (score > 100) {
        if (score === FAILED) gaps += `M${x} 0V${HEIGHT}`;
        down = false;
        continue;
      }
      const y = HEIGHT - (score / 100) * (HEIGHT - 2) - 1;
      line += down ? `L${x} ${y.toFixed(1)}` : `M${x} ${y.toFixed(1)}h.5`;
      down = true;
    }
    return [line, gaps];
  }

  _ring(id) {
    let ring = this._rings.get(id);
    if (!ring) {
      ring = { bytes: new Uint8Array(KEPT), next: 0, count: 0, at: "" };
      this._rings.set(id, ring);
    }
    return ring;
  }
}

/** An empty drawing for a row; show() fills it. */
export function blank() {
  return svg(
    "svg",
    { viewBox: `0 0 ${KEPT} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "gaps" }), svg("path", { class: "line" }),
  );
}

/** Put the lines of draw() into a drawing. */
export function show(drawing, [line, gaps]) {
  drawing.lastChild.setAttribute("d", line);
  drawing.firstChild.setAttribute("d", gaps);
}

function push(ring, score) {
  ring.bytes[ring.next] = score;
  ring.next = (ring.next + 1) % KEPT;
  ring.count = Math.min(KEPT, ring.count + 1);
}
