import type { Backend } from "./backend.js";

/** Live and pooled memory of one device, in public counters that tests assert on. */
export interface MemoryCounters {
  /** Buffers in use and their bytes (by size class). */
  buffers: number;
  bytes: number;
  /** Bytes ever asked of the device and not given back: in use plus free. */
  reserved: number;
  /** Native allocations so far; constant once a training step has warmed up. */
  allocations: number;
}

const smallest = 256;

/** Size classes: four per octave from 256 bytes, so that at most a fifth of a buffer is unused. */
export function sizeClass(bytes: number): number {
  if (bytes <= smallest) return 0;
  const octave = 31 - Math.clz32(Math.ceil(bytes / smallest) - 1);
  const low = smallest * 2 ** octave;
  return 4 * octave + Math.max(1, Math.ceil((4 * (bytes - low)) / low));
}

/** Bytes of the classes up to 2^53, looked up with every buffer. */
const bytesOfClass = Float64Array.from(
  { length: 4 * 46 },
  (_, cls) => smallest * 2 ** Math.floor(cls / 4) * (1 + (cls % 4) / 4),
);

export function classBytes(sizeClass: number): number {
  return bytesOfClass[sizeClass];
}

/** Slot numbers, a bit each: adding one and taking the smallest cost a few instructions whatever the number of slots. */
class FreeSlots {
  count = 0;
  private readonly words: number[] = [];
  /** No word before this one has a bit set. */
  private first = 0;

  add(slot: number): void {
    const word = slot >> 5;
    while (this.words.length <= word) this.words.push(0);
    this.words[word] |= 1 << (slot & 31);
    if (word < this.first) this.first = word;
    this.count++;
  }

  /** Call only while `count` is above zero. */
  takeSmallest(): number {
    let word = this.first;
    while (this.words[word] === 0) word++;
    const bits = this.words[word];
    const lowest = bits & -bits;
    this.words[word] = bits ^ lowest;
    this.first = word;
    this.count--;
    return (word << 5) + 31 - Math.clz32(lowest);
  }
}

/**
 * Free buffers of one device by size class. The smallest free slot number goes out first, so that a training step touches
 * the same buffers as the step before: nothing is allocated after warm-up, and bind groups hit their cache.
 */
export class Pool {
  readonly counters: MemoryCounters = { buffers: 0, bytes: 0, reserved: 0, allocations: 0 };
  /** Tests set this: every buffer handed out is filled with NaN first. */
  poison = false;
  private readonly free: FreeSlots[] = [];

  constructor(private readonly backend: Backend) {}

  /** A slot of the class, pooled or new. */
  take(cls: number): number {
    const free = this.free[cls];
    const counters = this.counters;
    counters.buffers++;
    const bytes = classBytes(cls);
    counters.bytes += bytes;
    let slot: number;
    if (free !== undefined && free.count > 0) {
      slot = free.takeSmallest();
    } else {
      slot = this.backend.allocate(bytes);
      counters.reserved += bytes;
      counters.allocations++;
    }
    if (this.poison) this.backend.poison(slot);
    return slot;
  }

  give(cls: number, slot: number): void {
    this.counters.buffers--;
    this.counters.bytes -= classBytes(cls);
    (this.free[cls] ??= new FreeSlots()).add(slot);
  }

  /** A buffer that was handed out is no longer the pool's. */
  forget(cls: number): void {
    this.counters.buffers--;
    this.counters.bytes -= classBytes(cls);
    this.counters.reserved -= classBytes(cls);
  }

  /** Gives all free buffers back to the device. */
  trim(): void {
    this.free.forEach((free, cls) => {
      this.counters.reserved -= free.count * classBytes(cls);
      while (free.count > 0) this.backend.release(free.takeSmallest());
    });
  }
}
