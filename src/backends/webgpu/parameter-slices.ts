import type { Kernel } from "../../tensor/backend.js";
import { type Description, parameterBytes } from "./description.js";
import { usage } from "./gpu.js";

/** A uniform buffer in slices, each the parameters of one launch, and the host's copy of it. */
export class ParameterSlices {
  readonly buffer: GPUBuffer;
  /** Bytes from one slice to the next. */
  readonly stride: number;
  private readonly host: ArrayBuffer;
  private readonly ints: Int32Array;
  private readonly reals: Float32Array;

  constructor(
    private readonly device: GPUDevice,
    count: number,
  ) {
    const alignment = device.limits.minUniformBufferOffsetAlignment;
    this.stride = Math.ceil(parameterBytes / alignment) * alignment;
    this.host = new ArrayBuffer(count * this.stride);
    this.ints = new Int32Array(this.host);
    this.reals = new Float32Array(this.host);
    this.buffer = device.createBuffer({
      label: "parameters",
      size: count * this.stride,
      usage: usage.uniform | usage.copyTarget,
    });
  }

  /** Writes a slice of the host's copy. `numbers` are the reals of the command block. */
  set(slice: number, kernel: Kernel, launch: Description, numbers: Float64Array): void {
    launch.parameters(kernel, numbers, this.ints, this.reals, (slice * this.stride) / 4);
  }

  /** Copies slices to the GPU, before any command that is submitted later. */
  upload(first: number, count: number): void {
    const { buffer, stride } = this;
    this.device.queue.writeBuffer(buffer, first * stride, this.host, first * stride, count * stride);
  }
}
