import type { Kernel } from "../../tensor/backend.js";
import { type Description, parameterBytes } from "./description.js";
import { ParameterSlices } from "./parameter-slices.js";

/** Slices of one buffer. */
const count = 256;

/** Parameters that stay: a slice is written once, before what reads it is submitted, and never again. */
export class KeptParameters {
  private slices: ParameterSlices | undefined;
  private used = 0;

  constructor(private readonly device: GPUDevice) {}

  /** `numbers` are the reals of the command block. */
  add(kernel: Kernel, launch: Description, numbers: Float64Array): GPUBufferBinding {
    if (this.slices === undefined || this.used === count) {
      this.slices = new ParameterSlices(this.device, count);
      this.used = 0;
    }
    const slice = this.used++;
    const { buffer, stride } = this.slices;
    this.slices.set(slice, kernel, launch, numbers);
    this.slices.upload(slice, 1);
    return { buffer, offset: slice * stride, size: parameterBytes };
  }
}
