/** Frames by what stands in them; finds those that stood there before, bit for bit. */
export class SeenFrames {
  private readonly hash = new Hash();
  private readonly table = new HashTable();
  private reals = new Float64Array(0);
  private words = new Int32Array(0);

  /** The earlier frame with the same names, positions and cell, or null, whereupon this one is remembered. */
  earlier(
    frame: number,
    atomicNumbers: Int32Array,
    species: readonly string[] | null,
    positions: Float64Array,
    cell: Float64Array | null,
  ): number | null {
    const { hash } = this;
    hash.start();
    for (let k = 0; k < atomicNumbers.length; k++) hash.add(atomicNumbers[k]);
    this.addReals(positions);
    if (cell === null) hash.add(1);
    else this.addReals(cell);
    if (species !== null) for (const name of species) addText(hash, name);
    hash.end();
    return this.table.putOnce(hash.high, hash.low, frame);
  }

  private addReals(values: Float64Array): void {
    if (this.reals.length < values.length) {
      this.reals = new Float64Array(2 * values.length);
      this.words = new Int32Array(this.reals.buffer);
    }
    const { reals, words, hash } = this;
    // -0 equals 0.
    for (let k = 0; k < values.length; k++) reals[k] = values[k] + 0;
    for (let k = 0; k < 2 * values.length; k++) hash.add(words[k]);
  }
}

/** Frames by hashes of 64 bits, which two of millions share by chance once in a million sets. */
class HashTable {
  private count = 0;
  private size = 1 << 10;
  /** High and low half of the hash, one after the other. */
  private keys = new Int32Array(2 * this.size);
  /** From 1; 0: a free place. */
  private frames = new Int32Array(this.size);

  /** The frame with this hash; null where there is none, which is `frame` from now on. */
  putOnce(high: number, low: number, frame: number): number | null {
    const at = this.place(high, low);
    if (this.frames[at] > 0) return this.frames[at] - 1;
    this.set(at, high, low, frame + 1);
    if (2 * ++this.count > this.size) this.grow();
    return null;
  }

  private place(high: number, low: number): number {
    const { keys, frames, size } = this;
    let at = low & (size - 1);
    while (frames[at] > 0 && (keys[2 * at] !== high || keys[2 * at + 1] !== low)) at = (at + 1) & (size - 1);
    return at;
  }

  private set(at: number, high: number, low: number, frame: number): void {
    this.keys[2 * at] = high;
    this.keys[2 * at + 1] = low;
    this.frames[at] = frame;
  }

  private grow(): void {
    const { keys, frames } = this;
    this.size *= 2;
    this.keys = new Int32Array(2 * this.size);
    this.frames = new Int32Array(this.size);
    for (let k = 0; k < frames.length; k++)
      if (frames[k] > 0)
        this.set(this.place(keys[2 * k], keys[2 * k + 1]), keys[2 * k], keys[2 * k + 1], frames[k]);
  }
}

function addText(hash: Hash, text: string): void {
  for (let k = 0; k < text.length; k++) hash.add(text.charCodeAt(k));
  hash.add(-1);
}

/** Two chains of multiplications and rotations over 32-bit words, in the manner of MurmurHash3 (Appleby, public domain). */
class Hash {
  high = 0;
  low = 0;
  private a = 0;
  private b = 0;
  private count = 0;

  start(): void {
    this.a = 0x243f6a88;
    this.b = 0x85a308d3 | 0;
    this.count = 0;
  }

  add(word: number): void {
    const first = Math.imul(word, 0xcc9e2d51);
    this.a = (Math.imul(rotated(this.a ^ Math.imul(rotated(first, 15), 0x1b873593), 13), 5) + 0xe6546b64) | 0;
    const second = Math.imul(word ^ this.a, 0x38b34ae5);
    this.b =
      (Math.imul(rotated(this.b ^ Math.imul(rotated(second, 17), 0xa1e38b93), 15), 5) + 0x561ccd1b) | 0;
    this.count++;
  }

  end(): void {
    this.low = mixed(this.a ^ this.count);
    this.high = mixed(this.b ^ this.low);
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function mixed(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
