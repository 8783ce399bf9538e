/** Bounds on what a pickle may ask for. */
export interface PickleLimits {
  readonly opcodes: number;
  readonly stack: number;
  readonly marks: number;
  readonly memo: number;
  readonly textBytes: number;
  /** Memory of all objects, roughly, in bytes. */
  readonly memoryBytes: number;
}

/** For one record of a data set. */
export const recordLimits: PickleLimits = {
  opcodes: 1_000_000,
  stack: 10_000,
  marks: 100,
  memo: 200_000,
  textBytes: 1 << 20,
  memoryBytes: 1 << 27,
};

/** For a whole file. */
export const fileLimits: PickleLimits = {
  opcodes: 6_000_000,
  stack: 1_000_000,
  marks: 200,
  memo: 2_000_000,
  textBytes: 1 << 26,
  memoryBytes: 320 * 2 ** 20,
};
