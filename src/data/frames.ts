import { AtomgradError } from "../tensor/error.js";

/** Which frames to take: a number, or a slice, both by Python's rules. */
export type FrameSelection =
  | { readonly index: number }
  | { readonly start: number | null; readonly stop: number | null; readonly step: number };

/** Parses `n` or `a:b:c`, negative numbers counted from the end. Errors: CONFIG. */
export function parseFrames(text: string): FrameSelection {
  const bad = (why: string): AtomgradError =>
    new AtomgradError(
      "CONFIG",
      `--frames ${text.slice(0, 60)}: ${why}; give a number such as -1 or a slice such as 0:100:10`,
    );
  const parts = text.trim().split(":");
  if (parts.length > 3 || !parts.every((part) => /^\s*(?:[-+]?\d{1,15})?\s*$/.test(part)))
    throw bad("not a frame number and not a slice");
  const [start, stop, step] = parts.map((part) => (part.trim() === "" ? null : Number(part)));
  if (parts.length === 1) {
    if (start === null) throw bad("it is empty");
    return { index: start };
  }
  if (step === 0) throw bad("a step of 0 leads nowhere");
  return { start, stop: stop ?? null, step: step ?? 1 };
}

/**
 * The selected items in their order. Where the selection can be found going forward, nothing is kept and reading stops
 * after the last item.
 *
 * @param name names the file in messages
 * @throws AtomgradError VALUE for an index out of range and for a selection without frames
 */
export function* selectFrames<T>(items: Iterable<T>, selection: FrameSelection, name: string): Generator<T> {
  let count = 0;
  for (const item of "index" in selection ? pickOne(items, selection.index, name) : slice(items, selection)) {
    count++;
    yield item;
  }
  if (count === 0) throw new AtomgradError("VALUE", nothingSelected(name));
}

function nothingSelected(name: string): string {
  return `${name}: the selection --frames holds no frame of this file; check its bounds`;
}

function* pickOne<T>(items: Iterable<T>, index: number, name: string): Generator<T> {
  let count = 0;
  const last: T[] = [];
  for (const item of items) {
    if (count++ === index) {
      yield item;
      return;
    }
    if (index >= 0) continue;
    last.push(item);
    if (last.length > -index) last.shift();
  }
  if (index < 0 && count >= -index) {
    yield last[0];
    return;
  }
  throw outOfRange(index, count, name);
}

function outOfRange(index: number, count: number, name: string): AtomgradError {
  return new AtomgradError(
    "VALUE",
    `${name}: --frames ${index} is out of range; the file has ${count} frames, numbered from 0`,
  );
}

/**
 * The same of items that need not be read to be passed over: where a selection counts from the end, they are counted first.
 *
 * @param read the items in order, null or anything in place of those that are not wanted
 */
export function* selectWanted<T>(
  read: (wanted: (k: number) => boolean) => Iterable<T | null>,
  selection: FrameSelection,
  name: string,
): Generator<T> {
  const isForward =
    "index" in selection
      ? selection.index >= 0
      : selection.step > 0 && (selection.start ?? 0) >= 0 && (selection.stop ?? 0) >= 0;
  const all = isForward ? Infinity : countOf(read(() => false));
  const { first, end, step } = rangeOf(selection, all);
  const [from, to] = step > 0 ? [first, end] : [end + 1, first + 1];
  const wanted = (k: number): boolean => k >= from && k < to && (k - first) % step === 0;
  const kept: T[] = [];
  let k = 0;
  let found = 0;
  if (from < to && from >= 0)
    for (const item of read(wanted)) {
      if (wanted(k++)) {
        found++;
        if (step > 0) yield item!;
        else kept.push(item!);
      }
      if (k >= to) break;
    }
  yield* kept.reverse();
  if (found > 0) return;
  if ("index" in selection) throw outOfRange(selection.index, isForward ? k : all, name);
  throw new AtomgradError("VALUE", nothingSelected(name));
}

function countOf(items: Iterable<unknown>): number {
  let count = 0;
  const iterator = items[Symbol.iterator]();
  while (iterator.next().done !== true) count++;
  return count;
}

interface Range {
  readonly first: number;
  /** The first number behind the last one, in the direction of the step. */
  readonly end: number;
  readonly step: number;
}

/** What a selection means for so many items; infinitely many where it is found going forward. */
function rangeOf(selection: FrameSelection, all: number): Range {
  if ("index" in selection) {
    const first = selection.index < 0 ? selection.index + all : selection.index;
    return { first, end: first + 1, step: 1 };
  }
  const { start, stop, step } = selection;
  const bound = (value: number, low: number, high: number): number =>
    Math.min(high, Math.max(low, value < 0 ? value + all : value));
  if (step > 0)
    return { first: bound(start ?? 0, 0, all), end: stop === null ? all : bound(stop, 0, all), step };
  return {
    first: start === null ? all - 1 : bound(start, -1, all - 1),
    end: stop === null ? -1 : bound(stop, -1, all - 1),
    step,
  };
}

function* slice<T>(
  items: Iterable<T>,
  { start, stop, step }: { start: number | null; stop: number | null; step: number },
): Generator<T> {
  if (step > 0 && (start ?? 0) >= 0 && (stop ?? 0) >= 0) {
    let k = 0;
    if (stop === 0) return;
    for (const item of items) {
      if (k >= (start ?? 0) && (k - (start ?? 0)) % step === 0) yield item;
      if (++k === stop) return;
    }
    return;
  }
  const all = [...items];
  const range = rangeOf({ start, stop, step }, all.length);
  for (let k = range.first; step > 0 ? k < range.end : k > range.end; k += step) yield all[k];
}
