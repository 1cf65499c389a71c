/**
 * Puts elements into an order with as few moves as there can be.
 *
 * What moves, the browser lays out anew; a list of ten thousand of which ten changed places must
 * cost ten moves.  The elements that may stay are the longest run that is in order already.
 */

/** Make `wanted` the order of these children of `parent`, after its child `first`. */
export function arrange(parent, wanted, first) {
  const now = new Map();
  let index = 0;
  for (let child = parent.firstElementChild; child; child = child.nextElementSibling) {
    now.set(child, index++);
  }
  const places = wanted.map((element) => now.get(element) ?? -1);
  const staying = longestRun(places);
  let moved = 0;
  let after = first;
  wanted.forEach((element, i) => {
    if (!staying.has(i)) {
      after.after(element);
      moved += 1;
    }
    after = element;
  });
  return moved;
}

/** Indexes of a longest increasing run in `numbers`; negative numbers are left out. */
export function longestRun(numbers) {
  const tails = []; // tails[n]: index of the smallest number that ends a run of n + 1
  const before = new Int32Array(numbers.length).fill(-1);
  numbers.forEach((number, i) => {
    if (number < 0) return;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers[tails[middle]] < number) low = middle + 1;
      else high = middle;
    }
    if (low > 0) before[i] = tails[low - 1];
    tails[low] = i;
  });
  const run = new Set();
  for (let i = tails.length ? tails[tails.length - 1] : -1; i >= 0; i = before[i]) run.add(i);
  return run;
}
