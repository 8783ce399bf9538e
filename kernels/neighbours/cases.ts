import { defineCases, type Sample } from "../../src/testing/cases.js";
import type { SampleArray, Samples } from "../../src/testing/samples.js";
import { tensor, zeros } from "../../src/tensor/tensor.js";
import { neighbourCount, neighbourFill } from "./op.js";

/** Atoms in and around a skewed cell, with all images up to `reach` along each axis. */
function sample(random: Samples, N: number, reach: number, large = false): Sample {
  const cell = Float64Array.of(3, 0.2, 0, -0.4, 3.5, 0.3, 0.1, 0, 4);
  const wrapped = random.uniform([N, 3], 0, 3);
  const offset = random.integers([N, 3], -2, 3);
  const positions = wrapped.data.map((x, k) => {
    const row = 3 * Math.floor(k / 3);
    return x + [0, 1, 2].reduce((sum, a) => sum + offset.data[row + a] * cell[3 * a + (k % 3)], 0);
  });
  const images: number[] = [];
  for (let x = -reach; x <= reach; x++)
    for (let y = -reach; y <= reach; y++) for (let z = -reach; z <= reach; z++) images.push(x, y, z);
  const K = images.length / 3;
  const vectors = Float64Array.from({ length: 3 * K }, (_, k) =>
    [0, 1, 2].reduce((sum, a) => sum + images[3 * (k % K) + a] * cell[3 * a + Math.floor(k / K)], 0),
  );
  const array = (shape: number[], data: SampleArray["data"]): SampleArray => ({ shape, data });
  return {
    inputs: {
      positions: array([N, 3], positions),
      wrapped,
      offset,
      cell: array([3, 3], cell),
      image: array([K, 3], Int32Array.from(images)),
      imageVector: array([3, K], vectors),
    },
    large,
  };
}

export const cases = defineCases({
  op: "neighbours",
  // Whether a pair lies within the cutoff is decided in f64, whatever the type under test.
  types: ["f64"],
  run: ({ positions, wrapped, offset, cell, image, imageVector }) => {
    const space = { positions, wrapped, offset, cell, image, imageVector };
    const counts = neighbourCount(space, 2.9, false);
    const ptr = [0];
    counts.dataSync().forEach((n) => ptr.push(ptr[ptr.length - 1] + n));
    const pointers = tensor(Int32Array.from(ptr), [ptr.length], { device: positions.device.name });
    return [counts, ...neighbourFill(space, pointers, ptr[ptr.length - 1], 2.9, false)];
  },
  samples: (random) => [
    sample(random, 0, 1),
    sample(random, 1, 0),
    sample(random, 1, 1),
    sample(random, 2, 1),
    sample(random, 7, 1),
    sample(random, 5, 2),
    sample(random, 60, 2, true),
  ],
  differentiate: [],
  order: 0,
  tolerance: { f32: 0, f64: 1e-14 },
  errors: [
    {
      name: "single precision",
      run: () => neighbourCount({ ...space(), positions: zeros([1, 3]) }, 1, false),
      code: "DTYPE",
      says: /positions expected f64, got f32/,
    },
    {
      name: "offsets of another number of atoms",
      run: () => neighbourCount({ ...space(), offset: zeros([2, 3], { dtype: "i32" }) }, 1, false),
      code: "SHAPE",
      says: /offset i32\[N,3\] expected size 1/,
    },
  ],
});

function space() {
  const f64 = (shape: number[]) => zeros(shape, { dtype: "f64" });
  const i32 = (shape: number[]) => zeros(shape, { dtype: "i32" });
  return {
    positions: f64([1, 3]),
    wrapped: f64([1, 3]),
    offset: i32([1, 3]),
    cell: f64([3, 3]),
    image: i32([1, 3]),
    imageVector: f64([3, 1]),
  };
}
