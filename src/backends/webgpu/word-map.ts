/** Places of an empty table; a power of two, as all sizes are. */
const fewest = 64;

/**
 * Values by whole numbers, a fixed count of them a key: open addressing, because a launch looks something up and must not make
 * a string or an array for it.
 */
export class WordMap<V> {
  size = 0;
  private values: (V | undefined)[] = [];
  private keys = new Int32Array(0);

  /** @param width words of a key */
  constructor(private readonly width: number) {
    this.allocate(fewest);
  }

  /** The value of the key that stands in `words` from `at` on. */
  get(words: Int32Array, at = 0): V | undefined {
    return this.values[this.find(words, at)];
  }

  /** Adds a value whose key is not there yet. */
  add(value: V, words: Int32Array, at = 0): void {
    if (2 * (this.size + 1) > this.values.length) this.grow();
    const place = this.find(words, at);
    this.values[place] = value;
    for (let k = 0; k < this.width; k++) this.keys[place * this.width + k] = words[at + k];
    this.size++;
  }

  clear(): void {
    if (this.size > 0) this.allocate(fewest);
  }

  /** Where a key stands, or would stand. */
  private find(words: Int32Array, at: number): number {
    const { width, keys, values } = this;
    const mask = values.length - 1;
    let hash = 0;
    for (let k = 0; k < width; k++) {
      hash = Math.imul(hash ^ words[at + k], 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      if (values[place] === undefined) return place;
      let k = 0;
      while (k < width && keys[place * width + k] === words[at + k]) k++;
      if (k === width) return place;
    }
  }

  private allocate(places: number): void {
    this.values = new Array<V | undefined>(places).fill(undefined);
    this.keys = new Int32Array(places * this.width);
    this.size = 0;
  }

  private grow(): void {
    const { values, keys, width } = this;
    this.allocate(2 * values.length);
    values.forEach((value, place) => {
      if (value !== undefined) this.add(value, keys, place * width);
    });
  }
}
