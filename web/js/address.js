/**
 * What the address says and can be told: the order, the language, the wall; the stream after #.
 */

/** The words of the address. */
export function words() {
  return new URLSearchParams(location.search);
}

/** Set some words and take away others (null), without a new entry in the browser's history. */
export function put(changes) {
  const now = words();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined) now.delete(name);
    else now.set(name, value);
  }
  const query = String(now).replace(/=(?=&|$)/g, "");
  history.replaceState(null, "", `${location.pathname}${query && `?${query}`}${location.hash}`);
}

/** The id of the stream that the address points to, or null. */
export function stream() {
  const [, id] = /^#(?:stream-)?(\d+)$/.exec(location.hash) || [];
  return id ? Number(id) : null;
}

/** The address of another page of ours, relative and in the same language, with these words. */
export function beside(path, changes = {}) {
  const lang = words().get("lang");
  const query = String(new URLSearchParams({ ...(lang && { lang }), ...changes }));
  return `${path}${query && `?${query}`}`;
}

/** Point to a stream, or to none. */
export function point(id) {
  const hash = id === null ? "" : `#stream-${id}`;
  if (hash === location.hash) return;
  history.replaceState(null, "", `${location.pathname}${location.search}${hash}`);
}
