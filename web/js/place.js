/**
 * Which elements of a list may stay where they are when its order changes.
 */

/**
 * The indexes of a longest increasing run in `numbers`, as a set; negative numbers are left out.
 *
 * Where the numbers are the old places of a list in its new order, the elements of the run are
 * in order already: moving only the others takes the fewest moves.
 */
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
