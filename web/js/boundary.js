/**
 * Histories have a new row every five minutes: which one is the newest.
 */
const EVERY_S = 300;
const SETTLED_S = 15; // after a boundary the new rows are written

// pages that were opened together do not all ask together
const late = SETTLED_S + Math.random() * SETTLED_S;

/** The boundary up to which there are rows, seconds since 1970; takes ms since 1970. */
export function boundary(ms) {
  return floored(ms / 1000 - late);
}

/** The boundary at or before a time; both in seconds since 1970. */
export function floored(seconds) {
  return Math.floor(seconds / EVERY_S) * EVERY_S;
}
