import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { defineCases, type ErrorCase, type OpCases, type Sample } from "../../src/testing/cases.js";
import type { SampleArray, Samples } from "../../src/testing/samples.js";
import { gatedSoftmax, type GatedSoftmaxOptions } from "./op.js";

interface Layout {
  readonly sizes: readonly number[];
  /** Empty slots of every second centre. */
  readonly pad: number;
  /** Room left behind every matrix, and edges and pairs behind the last. */
  readonly spare?: number;
  readonly large?: boolean;
}

/** Unit vectors, and now and then the zero vector that stands for an edge of length 0. */
function directions(random: Samples, count: number): SampleArray {
  const { shape, data } = random.normal([count, 3]);
  for (let e = 0; e < count; e++) {
    const length = e % 11 === 7 ? Infinity : Math.hypot(...data.subarray(3 * e, 3 * e + 3));
    for (let a = 0; a < 3; a++) data[3 * e + a] /= length;
  }
  return { shape, data };
}

function sampleOf(random: Samples, { sizes, pad, spare = 0, large }: Layout, scale = 0.6): Sample {
  const [ptr, start] = [[0], [0]];
  sizes.forEach((n, i) => {
    ptr.push(ptr[i] + n);
    start.push(start[i] + n * n + spare);
  });
  const [edges, pairs] = [ptr[sizes.length] + spare, start[sizes.length] + spare];
  return {
    inputs: {
      logits: random.normal([pairs], 2),
      sw: random.uniform([edges], 0, 1),
      unit: directions(random, edges),
      ptr: random.i32(ptr),
      start: random.i32(start),
      pad: random.i32(sizes.map((_, i) => (i % 2 === 0 ? pad : 0))),
    },
    attrs: { scale },
    large,
  };
}

/** Sizes as in a condensed system: near `middle`, some centres empty. */
const crowd = (count: number, middle: number): number[] =>
  Array.from({ length: count }, (_, i) => (i % 9 === 4 ? 0 : middle + ((7 * i) % 31) - 15));

const layouts: readonly Layout[] = [
  { sizes: [], pad: 0 },
  { sizes: [], pad: 0, spare: 2 },
  { sizes: [0], pad: 3 },
  { sizes: [1], pad: 0 },
  { sizes: [1], pad: 4 },
  { sizes: [2, 0, 3], pad: 5 },
  { sizes: [4, 1, 0, 2], pad: 0, spare: 3 },
  { sizes: [7], pad: 1 },
  { sizes: [9, 5], pad: 2 },
  { sizes: [16, 17], pad: 30 },
  { sizes: [33, 8, 1], pad: 7, large: true },
  { sizes: [90, 0, 75, 101], pad: 20, large: true },
];
const crowded: Layout = { sizes: crowd(64, 90), pad: 20, large: true };

const i32 = (...values: number[]): Tensor => tensor(values, [values.length], { dtype: "i32" });

/** One centre with two edges, changed by what is given. */
function small(change: { logits?: Tensor; sw?: Tensor; ptr?: Tensor; start?: Tensor; pad?: Tensor }): Tensor {
  const x = { logits: zeros([4]), sw: zeros([2]), ptr: i32(0, 2), start: i32(0, 4), pad: i32(0), ...change };
  const options: GatedSoftmaxOptions = { scale: 1, smooth: true, dotr: true };
  return gatedSoftmax(x.logits, x.sw, zeros([2, 3]), x.ptr, x.start, x.pad, options);
}

const errors: readonly ErrorCase[] = [
  {
    name: "switches of other edges",
    run: () => small({ sw: zeros([3]) }),
    code: "SHAPE",
    says: /unit \[E,3\] expected size 3/,
  },
  {
    name: "a matrix of logits",
    run: () => small({ logits: zeros([2, 2]) }),
    code: "SHAPE",
    says: /gatedSoftmax: logits expected shape \[P\], got \[2,2\]/,
  },
  {
    name: "switches of another type",
    run: () => small({ sw: zeros([2], { dtype: "f64" }) }),
    code: "DTYPE",
    says: /sw expected f32, got f64/,
  },
  {
    name: "a count of slots for every centre",
    run: () => small({ pad: i32(0, 0) }),
    code: "SHAPE",
    says: /pad i32\[N\] expected size 1/,
  },
  {
    name: "a first edge that is not 0",
    run: () => small({ ptr: i32(1, 2) }),
    code: "VALUE",
    says: /ptr\[0\] must be 0/,
  },
  {
    name: "pointers that decrease",
    run: () => small({ ptr: i32(0, 1, 0), start: i32(0, 1, 1), pad: i32(0, 0) }),
    code: "VALUE",
    says: /ptr\[2\] is smaller than ptr\[1\]/,
  },
  {
    name: "pointers beyond the edges",
    run: () => small({ ptr: i32(0, 3) }),
    code: "VALUE",
    says: /ptr\[1\] is larger than the number of edges, 2/,
  },
  {
    name: "a matrix beyond the array",
    run: () => small({ start: i32(0, 5) }),
    code: "VALUE",
    says: /start does not leave centre 0 .*none beyond 4/,
  },
  {
    name: "a negative number of slots",
    run: () => small({ pad: i32(-1) }),
    code: "VALUE",
    says: /pad\[0\] is negative/,
  },
];

const modes = [
  { name: "smooth, dotr", smooth: true, dotr: true },
  { name: "smooth", smooth: true, dotr: false },
  { name: "dotr", smooth: false, dotr: true },
  { name: "plain", smooth: false, dotr: false },
] as const;

export const cases = defineCases(
  ...modes.map(({ name, smooth, dotr }): OpCases => ({
    op: `gatedSoftmax ${name}`,
    run: ({ logits, sw, unit, ptr, start, pad }, { scale }) =>
      gatedSoftmax(logits, sw, unit, ptr, start, pad, { scale: scale as number, smooth, dotr }),
    samples: (random) =>
      (smooth && dotr ? [...layouts, crowded] : layouts).map((layout) => sampleOf(random, layout)),
    differentiate: ["logits", "sw", "unit"],
    tolerance: { f32: 5e-6, f64: 1e-14 },
    errors: smooth && dotr ? errors : [],
    bench: (random) => [sampleOf(random, { sizes: crowd(213, 90), pad: 30 })],
  })),
);
