import type { Kernel } from "../../tensor/backend.js";
import type { Description } from "./description.js";
import { ParameterSlices } from "./parameter-slices.js";

/** Dispatches recorded before they are handed to the GPU: few enough that it starts early, enough to spread the cost. */
export const batch = 256;

/** Workgroups in x, y and z. */
export type Workgroups = readonly [number, number, number];

/**
 * Records dispatches and copies into one command buffer after another. Dispatches that bring their parameters have slices of one
 * uniform buffer; the slices of a batch are uploaded together just before it is submitted.
 */
export class Commands {
  /** Number of the batch being recorded. */
  current = 1;
  private readonly slices: ParameterSlices;
  /** Where each slice begins. Dawn's binding for Node takes arrays faster than parts of a Uint32Array. */
  private readonly offsets: readonly (readonly [number])[];
  private slicesUsed = 0;
  private recorded = 0;
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private pipeline: GPUComputePipeline | undefined;

  constructor(private readonly device: GPUDevice) {
    this.slices = new ParameterSlices(device, batch);
    this.offsets = Array.from({ length: batch }, (_, k) => [k * this.slices.stride]);
  }

  /** Uniform parameters of all dispatches of a batch that bring their own. */
  get parameters(): GPUBuffer {
    return this.slices.buffer;
  }

  /** Records a dispatch whose bind group names its parameters. */
  dispatch(pipeline: GPUComputePipeline, group: GPUBindGroup, workgroups: Workgroups): void {
    this.begin(pipeline).setBindGroup(0, group);
    this.end(workgroups);
  }

  /** Records a dispatch whose bind group takes the place of its parameters as an offset. `numbers` are the reals of the command block. */
  dispatchAt(
    pipeline: GPUComputePipeline,
    group: GPUBindGroup,
    workgroups: Workgroups,
    kernel: Kernel,
    launch: Description,
    numbers: Float64Array,
  ): void {
    const slice = this.slicesUsed++;
    this.slices.set(slice, kernel, launch, numbers);
    this.begin(pipeline).setBindGroup(0, group, this.offsets[slice]);
    this.end(workgroups);
  }

  /** Records a copy of the first `bytes` bytes. */
  copy(from: GPUBuffer, to: GPUBuffer, bytes: number): void {
    this.endPass();
    this.encoder ??= this.device.createCommandEncoder();
    this.encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
  }

  /** Hands everything recorded to the GPU. */
  submit(): void {
    if (this.encoder === undefined) return;
    this.endPass();
    if (this.slicesUsed > 0) this.slices.upload(0, this.slicesUsed);
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = undefined;
    this.slicesUsed = 0;
    this.recorded = 0;
    this.current++;
  }

  private begin(pipeline: GPUComputePipeline): GPUComputePassEncoder {
    this.encoder ??= this.device.createCommandEncoder();
    this.pass ??= this.encoder.beginComputePass();
    if (pipeline !== this.pipeline) {
      this.pipeline = pipeline;
      this.pass.setPipeline(pipeline);
    }
    return this.pass;
  }

  private end(workgroups: Workgroups): void {
    const x = workgroups[0];
    const y = workgroups[1];
    const z = workgroups[2];
    if (y === 1 && z === 1) this.pass!.dispatchWorkgroups(x);
    else this.pass!.dispatchWorkgroups(x, y, z);
    if (++this.recorded === batch) this.submit();
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
    this.pipeline = undefined;
  }
}
