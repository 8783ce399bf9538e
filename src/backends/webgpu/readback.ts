import { classBytes, sizeClass } from "../../tensor/pool.js";
import type { Commands } from "./commands.js";
import { mapForReading, usage } from "./gpu.js";

/** Copies buffers to the host. Staging buffers are kept by size class, so that a training loop allocates none. */
export class Readback {
  private readonly free: GPUBuffer[][] = [];

  constructor(
    private readonly device: GPUDevice,
    private readonly commands: Commands,
  ) {}

  /** The first `bytes` bytes as they are at this point of the command sequence: later commands do not change the result. */
  async read(from: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    const cls = sizeClass(bytes);
    const staging = this.free[cls]?.pop() ?? this.create(cls);
    this.commands.copy(from, staging, bytes);
    this.commands.submit();
    await staging.mapAsync(mapForReading, 0, bytes);
    const values = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    (this.free[cls] ??= []).push(staging);
    return values;
  }

  private create(cls: number): GPUBuffer {
    return this.device.createBuffer({
      label: "staging",
      size: classBytes(cls),
      usage: usage.mapRead | usage.copyTarget,
    });
  }
}
