/**
 * The newest entry of every stream, and what they add up to.
 */
import { stateOf } from "./columns.js";

export class Store {
  constructor() {
    this.entries = new Map();
    this.filled = false;
  }

  /** Take the whole; returns the ids that were here and are not any more. */
  fill(entries) {
    const fresh = new Map();
    for (const entry of entries) {
      const old = this.entries.get(entry.mms_stream_id);
      fresh.set(entry.mms_stream_id, old && newer(old, entry) ? old : entry);
    }
    const gone = [...this.entries.keys()].filter((id) => !fresh.has(id));
    this.entries = fresh;
    this.filled = true;
    return gone;
  }

  /** Take one entry; returns the one it replaces. */
  put(entry) {
    const old = this.entries.get(entry.mms_stream_id);
    this.entries.set(entry.mms_stream_id, entry);
    return old;
  }

  /** A stream is gone. */
  drop(id) {
    this.entries.delete(id);
  }

  /** Counts of states, of each server too, sums of what is known, the time of the newest sample. */
  sum() {
    const counts = none();
    const servers = new Map(); // name -> counts
    let viewers = 0;
    let incoming = 0;
    let outgoing = 0;
    let newest = "";
    for (const entry of this.entries.values()) {
      const state = stateOf(entry);
      counts[state] += 1;
      let its = servers.get(entry.server);
      if (!its) servers.set(entry.server, its = none());
      its[state] += 1;
      viewers += entry.clients_connected || 0;
      incoming += Math.max(0, entry.average_upstream_kbps.last_10);
      outgoing += Math.max(0, entry.average_downstream_kbps.last_10);
      if (entry.sample_time && entry.sample_time > newest) newest = entry.sample_time;
    }
    return {
      counts, servers, viewers, incoming, outgoing, newest: newest ? Date.parse(newest) : null,
    };
  }
}

function none() {
  return { bad: 0, problem: 0, good: 0, unknown: 0 };
}

function newer(one, other) {
  return one.sample_time !== null && other.sample_time !== null
    && one.sample_time > other.sample_time;
}
