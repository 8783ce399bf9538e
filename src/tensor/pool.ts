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

export function classBytes(sizeClass: number): number {
  const octave = Math.floor(sizeClass / 4);
  return smallest * 2 ** octave * (1 + (sizeClass % 4) / 4);
}

/**
 * Free buffers of one device by size class. The smallest free slot number goes out first, so that a training step touches
 * the same buffers as the step before: nothing is allocated after warm-up, and bind groups hit their cache.
 */
export class Pool {
  readonly counters: MemoryCounters = { buffers: 0, bytes: 0, reserved: 0, allocations: 0 };
  /** Tests set this: every buffer handed out is filled with NaN first. */
  poison = false;
  private readonly free: number[][] = [];

  constructor(private readonly backend: Backend) {}

  /** A slot of the class, pooled or new. */
  take(cls: number): number {
    const heap = this.free[cls];
    const counters = this.counters;
    counters.buffers++;
    const bytes = classBytes(cls);
    counters.bytes += bytes;
    let slot: number;
    if (heap !== undefined && heap.length > 0) {
      slot = popSmallest(heap);
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
    push((this.free[cls] ??= []), slot);
  }

  /** A buffer that was handed out is no longer the pool's. */
  forget(cls: number): void {
    this.counters.buffers--;
    this.counters.bytes -= classBytes(cls);
    this.counters.reserved -= classBytes(cls);
  }

  /** Gives all free buffers back to the device. */
  trim(): void {
    this.free.forEach((heap, cls) => {
      for (const slot of heap) this.backend.release(slot);
      this.counters.reserved -= heap.length * classBytes(cls);
      heap.length = 0;
    });
  }
}

function push(heap: number[], slot: number): void {
  let k = heap.length;
  heap.push(slot);
  while (k > 0) {
    const parent = (k - 1) >> 1;
    if (heap[parent] <= slot) break;
    heap[k] = heap[parent];
    k = parent;
  }
  heap[k] = slot;
}

function popSmallest(heap: number[]): number {
  const top = heap[0];
  const last = heap.pop()!;
  const n = heap.length;
  if (n === 0) return top;
  let k = 0;
  for (;;) {
    let child = 2 * k + 1;
    if (child >= n) break;
    if (child + 1 < n && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= last) break;
    heap[k] = heap[child];
    k = child;
  }
  heap[k] = last;
  return top;
}
