import type { DeviceContext } from "./device.js";
import type { DType, TypedArray } from "./dtype.js";
import { classBytes, sizeClass } from "./pool.js";

/** A counted buffer of one device. Several tensors may share it (`reshape` copies nothing). */
export class Storage {
  private count = 1;
  private detached = false;

  private constructor(
    readonly device: DeviceContext,
    readonly slot: number,
    private readonly cls: number,
    /** Whose memory this is, where it is not the pool's. */
    private readonly lender?: TypedArray,
  ) {}

  /** A pooled buffer of at least `bytes` bytes with one count, held by the caller. */
  static take(device: DeviceContext, bytes: number): Storage {
    const cls = sizeClass(bytes);
    return new Storage(device, device.pool.take(cls), cls);
  }

  /** The memory of a host array, where the device can reach it; nothing is copied, the array stays its owner. */
  static over(device: DeviceContext, data: TypedArray): Storage | undefined {
    const slot = device.backend.lend?.(data);
    return slot === undefined ? undefined : new Storage(device, slot, 0, data);
  }

  get bytes(): number {
    return this.lender?.byteLength ?? classBytes(this.cls);
  }

  retain(): this {
    this.count++;
    return this;
  }

  /** The content as an array that owns the memory, where this is the only count and the device can; else undefined. */
  detach(dtype: DType, size: number): TypedArray | undefined {
    const alone = this.count === 1 && this.lender === undefined;
    const data = alone ? this.device.backend.detach?.(this.slot, dtype, size) : undefined;
    if (data === undefined) return undefined;
    this.detached = true;
    this.device.pool.forget(this.cls);
    return data;
  }

  release(): void {
    if (--this.count > 0 || this.detached) return;
    if (this.lender === undefined) this.device.pool.give(this.cls, this.slot);
    else this.device.backend.release(this.slot);
  }
}
