/** Places of an empty table; a power of two, as all sizes are. */
const fewest = 64;

/**
 * Bind groups by the slots of their buffers: open addressing over whole numbers, because a launch looks one up and must not
 * make a string or an array for it.
 */
export class GroupCache {
  size = 0;
  private groups: (GPUBindGroup | undefined)[] = [];
  private keys = new Int32Array(0);

  /** @param width slots of a key */
  constructor(private readonly width: number) {
    this.clear();
  }

  /** Where the key `words[at + bound[0]], words[at + bound[1]], ...` stands, or would stand. */
  find(words: Int32Array, at: number, bound: readonly number[]): number {
    const { width, keys, groups } = this;
    const mask = groups.length - 1;
    let hash = 0;
    for (let k = 0; k < width; k++) hash = Math.imul(hash ^ words[at + bound[k]], 0x9e3779b1);
    for (let place = (hash ^ (hash >>> 15)) & mask; ; place = (place + 1) & mask) {
      if (groups[place] === undefined) return place;
      let k = 0;
      while (k < width && keys[place * width + k] === words[at + bound[k]]) k++;
      if (k === width) return place;
    }
  }

  /** The group at a place that `find` named. */
  at(place: number): GPUBindGroup | undefined {
    return this.groups[place];
  }

  /** Adds a group whose key is not there yet. */
  add(group: GPUBindGroup, words: Int32Array, at: number, bound: readonly number[]): void {
    if (2 * (this.size + 1) > this.groups.length) this.grow();
    const place = this.find(words, at, bound);
    this.groups[place] = group;
    for (let k = 0; k < this.width; k++) this.keys[place * this.width + k] = words[at + bound[k]];
    this.size++;
  }

  clear(): void {
    this.allocate(fewest);
  }

  private allocate(places: number): void {
    this.groups = new Array<GPUBindGroup | undefined>(places).fill(undefined);
    this.keys = new Int32Array(places * this.width);
    this.size = 0;
  }

  private grow(): void {
    const { groups, keys, width } = this;
    const inOrder = Array.from({ length: width }, (_, k) => k);
    this.allocate(2 * groups.length);
    groups.forEach((group, place) => {
      if (group !== undefined) this.add(group, keys, place * width, inOrder);
    });
  }
}
