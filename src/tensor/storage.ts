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
  ) {}

  /** A pooled buffer of at least `bytes` bytes with one count, held by the caller. */
  static take(device: DeviceContext, bytes: number): Storage {
    const cls = sizeClass(bytes);
    return new Storage(device, device.pool.take(cls), cls);
  }

  get bytes(): number {
    return classBytes(this.cls);
  }

  retain(): this {
    this.count++;
    return this;
  }

  /** The content as an array that owns the memory, where this is the only count and the device can; else undefined. */
  detach(dtype: DType, size: number): TypedArray | undefined {
    const data = this.count === 1 ? this.device.backend.detach?.(this.slot, dtype, size) : undefined;
    if (data === undefined) return undefined;
    this.detached = true;
    this.device.pool.forget(this.cls);
    return data;
  }

  release(): void {
    if (--this.count === 0 && !this.detached) this.device.pool.give(this.cls, this.slot);
  }
}
