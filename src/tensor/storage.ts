import type { DeviceContext } from "./device.js";
import { classBytes, sizeClass } from "./pool.js";

/** A counted buffer of one device. Several tensors may share it (`reshape` copies nothing). */
export class Storage {
  private count = 1;

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

  release(): void {
    if (--this.count === 0) this.device.pool.give(this.cls, this.slot);
  }
}
