/**
 * Philox 4x32-10, the counter-based random generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
 * (SC 2011). The same (seed, stream, index) gives the same numbers on every device, in any order, on any thread.
 */

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

/** Upper 32 bits of an unsigned 32 x 32 product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const rest = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(rest / 0x10000)) >>> 0;
}

/** Four 32-bit words for a 128-bit counter and a 64-bit key. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(multiplier0, c0);
    const low0 = Math.imul(multiplier0, c0) >>> 0;
    const high1 = multiplyHigh(multiplier1, c2);
    const low1 = Math.imul(multiplier1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** One stream of random numbers: `at(i)` is the i-th block of four words, a pure function of seed, stream and i. */
export class RandomStream {
  private readonly key: readonly [number, number];
  private block: [number, number, number, number] = [0, 0, 0, 0];
  private position = 0;

  /** @param seed any whole number up to 2^53; @param stream separates uses of one seed (weights, shuffles, noise) */
  constructor(
    seed: number,
    private readonly stream = 0,
  ) {
    this.key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  }

  at(index: number): [number, number, number, number] {
    return philox4x32([index >>> 0, Math.floor(index / 2 ** 32) >>> 0, this.stream >>> 0, 0], this.key);
  }

  /** The next 32-bit word. */
  word(): number {
    const k = this.position % 4;
    if (k === 0) this.block = this.at(Math.floor(this.position / 4));
    this.position++;
    return this.block[k];
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Standard normal (Box-Muller, the cosine half). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A random order of 0..n-1 (Fisher-Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, k) => k);
    for (let k = n - 1; k > 0; k--) {
      const j = Math.floor(this.uniform() * (k + 1));
      [order[k], order[j]] = [order[j], order[k]];
    }
    return order;
  }
}
