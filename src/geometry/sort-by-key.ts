/** Runs of this length are sorted by insertion before they are merged. */
const run = 8;

/**
 * Sorts the first `count` items by rising `keys[item]`; equal keys keep their order. `spare` is scratch of
 * the same length. Array.sort with a comparison takes ten times as long.
 */
export function sortByKey(items: Int32Array, count: number, keys: Float64Array, spare: Int32Array): void {
  for (let first = 0; first < count; first += run) insert(items, first, Math.min(first + run, count), keys);
  let [from, to] = [items, spare];
  for (let width = run; width < count; width *= 2) {
    for (let first = 0; first < count; first += 2 * width)
      merge(from, to, first, Math.min(first + width, count), Math.min(first + 2 * width, count), keys);
    [from, to] = [to, from];
  }
  if (from !== items) items.set(from.subarray(0, count));
}

function insert(items: Int32Array, first: number, end: number, keys: Float64Array): void {
  for (let k = first + 1; k < end; k++) {
    const item = items[k];
    const key = keys[item];
    let at = k;
    for (; at > first && keys[items[at - 1]] > key; at--) items[at] = items[at - 1];
    items[at] = item;
  }
}

function merge(
  from: Int32Array,
  to: Int32Array,
  first: number,
  middle: number,
  end: number,
  keys: Float64Array,
): void {
  let [a, b] = [first, middle];
  for (let k = first; k < end; k++)
    to[k] = b >= end || (a < middle && keys[from[a]] <= keys[from[b]]) ? from[a++] : from[b++];
}
