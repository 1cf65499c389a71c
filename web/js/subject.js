/**
 * Of whom a history is kept, and where its graphs are.
 *
 * A subject is {kind, name}: a `stream` by its number, a `vhost` (a media server, or one of its
 * applications) by its name; `all` streams together and this `machine` have no name.
 */
export const ALL = { kind: "all", name: "" };
export const MACHINE = { kind: "machine", name: "" };

/** The subject of a stream. */
export function ofStream(id) {
  return { kind: "stream", name: String(id) };
}

/** Where the graph of a metric is; `words` are further arguments, of which empty ones are left out. */
export function graphOf({ kind, name }, metric, words = {}) {
  const told = Object.entries(words).filter(([, value]) => value !== "");
  if (kind === "stream") {
    return `graph/stream/${encodeURIComponent(name)}.png?${query({ metric, ...Object.fromEntries(told) })}`;
  }
  const path = kind === "machine" ? "graph_global" : "graph_vhost";
  const whose = kind === "vhost" ? { vhost: name } : {};
  return `${path}?${query({ target: metric, ...whose, ...Object.fromEntries(told) })}`;
}

/** `traffic.stream.123`: a metric of a subject as it stands in the address of the page. */
export function toWord({ kind, name }, metric) {
  return [metric, kind, ...(name ? [name] : [])].join(".");
}

/** [subject, metric] of such a word, null for any other. */
export function fromWord(word) {
  const [, metric, kind, name = ""] = /^(\w+)\.(stream|vhost|all|machine)(?:\.(.+))?$/s.exec(word) || [];
  const named = kind === "stream" ? /^\d{1,18}$/.test(name) : Boolean(name) === (kind === "vhost");
  return kind && named ? [{ kind, name }, metric] : null;
}

function query(words) {
  return String(new URLSearchParams(words));
}
