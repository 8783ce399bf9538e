import { usage } from "./gpu.js";
import { absentWord, parameterBytes } from "./pipelines.js";

/** Dispatches recorded before they are handed to the GPU: few enough that it starts early, enough to spread the cost. */
export const batch = 256;

/**
 * Records dispatches and copies into one command buffer after another. Each dispatch has its own slice of one uniform
 * buffer; the slices of a batch are uploaded together just before it is submitted.
 */
export class Commands {
  /** Uniform parameters of all dispatches of a batch. */
  readonly parameters: GPUBuffer;
  /** Number of the batch being recorded. */
  current = 1;
  private readonly stride: number;
  private readonly host: ArrayBuffer;
  private readonly ints: Int32Array;
  private readonly reals: Float32Array;
  /** Where each dispatch's slice begins. Dawn's binding for Node takes arrays faster than parts of a Uint32Array. */
  private readonly offsets: readonly (readonly [number])[];
  private used = 0;
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private pipeline: GPUComputePipeline | undefined;

  constructor(private readonly device: GPUDevice) {
    const alignment = device.limits.minUniformBufferOffsetAlignment;
    this.stride = Math.ceil(parameterBytes / alignment) * alignment;
    this.host = new ArrayBuffer(batch * this.stride);
    this.ints = new Int32Array(this.host);
    this.reals = new Float32Array(this.host);
    this.offsets = Array.from({ length: batch }, (_, k) => [k * this.stride]);
    this.parameters = device.createBuffer({
      label: "parameters",
      size: batch * this.stride,
      usage: usage.uniform | usage.copyTarget,
    });
  }

  /** Records one dispatch. `absent` becomes the last integer of the parameters; the kernel reads the first `count` reals. */
  dispatch(
    pipeline: GPUComputePipeline,
    group: GPUBindGroup,
    groups: readonly [number, number, number],
    ints: Int32Array,
    absent: number,
    reals: Float64Array,
    count: number,
  ): void {
    const at = (this.used * this.stride) / 4;
    this.ints.set(ints, at);
    this.ints[at + absentWord] = absent;
    for (let k = 0; k < count; k++) this.reals[at + absentWord + 1 + k] = reals[k];
    this.encoder ??= this.device.createCommandEncoder();
    this.pass ??= this.encoder.beginComputePass();
    if (pipeline !== this.pipeline) {
      this.pipeline = pipeline;
      this.pass.setPipeline(pipeline);
    }
    this.pass.setBindGroup(0, group, this.offsets[this.used]);
    const [x, y, z] = groups;
    if (y === 1 && z === 1) this.pass.dispatchWorkgroups(x);
    else this.pass.dispatchWorkgroups(x, y, z);
    if (++this.used === batch) this.submit();
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
    if (this.used > 0)
      this.device.queue.writeBuffer(this.parameters, 0, this.host, 0, this.used * this.stride);
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = undefined;
    this.used = 0;
    this.current++;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
    this.pipeline = undefined;
  }
}
