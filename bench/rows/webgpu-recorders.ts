import { op } from "../../kernels/elementwise/ops.generated.js";
import { matmulOp } from "../../kernels/matmul/product.js";
import { gatherOp, segmentSumOp } from "../../kernels/segment/op.js";
import { batch } from "../../src/backends/webgpu/commands.js";
import { parameterBytes } from "../../src/backends/webgpu/description.js";
import { acquireGpu, usage } from "../../src/backends/webgpu/gpu.js";
import { boundBuffers, Pipelines } from "../../src/backends/webgpu/pipelines.js";
import {
  add,
  gather,
  indexMap,
  matmul,
  mul,
  ones,
  openWebGpu,
  scope,
  segmentSum,
  tanh,
} from "../../src/index.js";
import { keep } from "../../src/tensor/scope.js";
import type { Tensor } from "../../src/tensor/tensor.js";

/** Additions one after the other, or a small layer of message passing of eight dispatches over and over. */
export type Program = "chain" | "layer";

/** Records dispatches of a program; a full command buffer is handed to the GPU. */
export interface Recorder {
  record(count: number): void;
  /** Hands over what is recorded and waits until the GPU is idle. */
  wait(): Promise<void>;
  close(): void;
}

const on = { device: "webgpu" } as const;
const nodes = 16;
const edges = 64;
const features = 16;

type Step = (h: Tensor, before: Tensor) => Tensor;

/** With the library's operations. */
export async function operations(program: Program): Promise<Recorder> {
  await openWebGpu();
  const x = keep(ones([nodes, features], on));
  const w = keep(ones([features, features], on));
  const u = keep(ones([edges, features], on));
  const numbers = Int32Array.from({ length: edges }, (_, e) => e);
  const source = indexMap(
    numbers.map((e) => (7 * e) % nodes),
    nodes,
    on.device,
  );
  const target = indexMap(
    numbers.map((e) => Math.floor((e * nodes) / edges)),
    nodes,
    on.device,
  );
  const layer: readonly Step[] = [
    (h) => matmul(h, w),
    (h) => gather(h, source),
    (h) => mul(h, u),
    (h) => tanh(h),
    (h) => segmentSum(h, target.ptr),
    (h) => mul(h, 0.5),
    (h, before) => add(h, before),
    (h) => add(h, x),
  ];
  const steps = program === "layer" ? layer : layer.slice(-1);
  return {
    record: (count) =>
      scope(() => {
        let h = x;
        let before = x;
        for (let k = 0; k < count; k++) {
          if (k % steps.length === 0) before = h;
          h = steps[k % steps.length](h, before);
        }
      }),
    wait: async () => void (await x.data()),
    close: () => [x, w, u].forEach((t) => t.dispose()),
  };
}

/**
 * With the calls of WebGPU that the program cannot do without, on objects made beforehand. The parameters are zeros, sizes among
 * them: nothing is computed.
 */
export async function leastCalls(program: Program): Promise<Recorder> {
  const { device } = await acquireGpu();
  const pipelines = new Pipelines(device);
  const layer = [
    matmulOp.kernel,
    gatherOp.kernel,
    ...["mul", "tanh"].map((name) => op(name).kernel),
    segmentSumOp.kernel,
    ...["mul", "add", "add"].map((name) => op(name).kernel),
  ];
  const steps = (program === "layer" ? layer : layer.slice(-1)).map((kernel) => ({
    buffers: boundBuffers(kernel).length,
    compiled: pipelines.compile(kernel, "f32", "group"),
  }));
  const buffers = Array.from({ length: batch }, () =>
    device.createBuffer({ size: 256, usage: usage.storage }),
  );
  const parameters = device.createBuffer({ size: parameterBytes, usage: usage.uniform });
  const calls = buffers.map((_, k) => {
    const { buffers: count, compiled } = steps[k % steps.length];
    const bound = Array.from({ length: count }, (_, j) => buffers[(k + j) % batch]);
    return {
      pipeline: compiled.pipeline,
      group: pipelines.createGroup(compiled, bound, { buffer: parameters }),
    };
  });
  let encoder: GPUCommandEncoder | undefined;
  let pass: GPUComputePassEncoder | undefined;
  let pipeline: GPUComputePipeline | undefined;
  let recorded = 0;
  const submit = (): void => {
    if (encoder === undefined) return;
    pass?.end();
    device.queue.submit([encoder.finish()]);
    encoder = pass = pipeline = undefined;
    recorded = 0;
  };
  return {
    record: (count) => {
      for (let k = 0; k < count; k++) {
        encoder ??= device.createCommandEncoder();
        pass ??= encoder.beginComputePass();
        const call = calls[recorded];
        if (call.pipeline !== pipeline) pass.setPipeline((pipeline = call.pipeline));
        pass.setBindGroup(0, call.group);
        pass.dispatchWorkgroups(1);
        if (++recorded === batch) submit();
      }
    },
    wait: async () => {
      submit();
      await device.queue.onSubmittedWorkDone();
    },
    close: () => device.destroy(),
  };
}
