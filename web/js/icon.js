/**
 * The picture in the tab: the worst state by shape and colour.
 *
 * Its address holds the whole picture, so that it can change when the daemon cannot be reached.
 */
const SHAPES = {
  bad: ["#c62828", '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/>'],
  problem: ["#b26a00", '<path d="M8 1l7.5 14h-15z"/>'],
  good: ["#2e7d32", '<circle cx="8" cy="8" r="7"/>'],
  unknown: ["#757575", '<path d="M8 0l8 8-8 8-8-8z"/>'],
  lost: ["#757575", '<path d="M1 4l3-3 4 4 4-4 3 3-4 4 4 4-3 3-4-4-4 4-3-3 4-4z"/>'],
};

let shown = "";

/** Show a state in the tab; `link` is the page's <link rel=icon>. */
export function paint(link, state) {
  if (state === shown) return;
  shown = state;
  const [colour, shape] = SHAPES[state];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="${colour}">${shape}</svg>`;
  link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
