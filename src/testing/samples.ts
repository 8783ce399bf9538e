import { RandomStream } from "../tensor/philox.js";
import { type Shape, sizeOf } from "../tensor/shape.js";

/** One input of a test case, in float64; the matrix casts it to the number type under test. */
export interface SampleArray {
  readonly shape: Shape;
  readonly data: Float64Array | Int32Array;
}

/** Random inputs of cases: the same for everyone, a stream per family. */
export class Samples {
  private readonly stream: RandomStream;

  constructor(seed: number) {
    this.stream = new RandomStream(seed, 7);
  }

  uniform(shape: Shape, low = -1, high = 1): SampleArray {
    return this.fill(shape, () => low + (high - low) * this.stream.uniform());
  }

  normal(shape: Shape, scale = 1): SampleArray {
    return this.fill(shape, () => scale * this.stream.normal());
  }

  /** Whole numbers in [low, high). */
  integers(shape: Shape, low: number, high: number): SampleArray {
    const data = Int32Array.from(
      { length: sizeOf(shape) },
      () => low + Math.floor(this.stream.uniform() * (high - low)),
    );
    return { shape, data };
  }

  /** Row pointers of `segments` segments over `total` sorted rows, empty segments included. */
  pointers(segments: number, total: number): SampleArray {
    if (segments === 0) return this.i32([0]);
    const cuts = Int32Array.from({ length: Math.max(0, segments - 1) }, () =>
      Math.floor(this.stream.uniform() * (total + 1)),
    );
    return { shape: [segments + 1], data: Int32Array.from([0, ...cuts.sort(), total]) };
  }

  i32(values: readonly number[]): SampleArray {
    return { shape: [values.length], data: Int32Array.from(values) };
  }

  private fill(shape: Shape, next: () => number): SampleArray {
    return { shape, data: Float64Array.from({ length: sizeOf(shape) }, next) };
  }
}
