import { op } from "../../kernels/elementwise/ops.generated.js";
import { batch } from "../../src/backends/webgpu/commands.js";
import { acquireGpu, usage } from "../../src/backends/webgpu/gpu.js";
import { parameterBytes } from "../../src/backends/webgpu/description.js";
import { Pipelines } from "../../src/backends/webgpu/pipelines.js";
import { add, ones, openWebGpu, scope } from "../../src/index.js";
import { keep } from "../../src/tensor/scope.js";
import type { Bench, Workload } from "../bench.js";

const numbers = 64;

const measured = (dispatches: number) => ({
  work: { dispatches },
  floor: { flop: numbers * dispatches },
  peers: [],
});

/**
 * Host cost of a chain of additions of 64 numbers. The GPU computes and is waited for while the clock is stopped. As many as
 * a command buffer holds are also submitted within the clock, one less only recorded: a software adapter wakes its threads
 * at the submission, and they take the host's cores.
 */
async function ours(dispatches: number): Promise<Workload> {
  await openWebGpu();
  const x = keep(ones([numbers], { device: "webgpu" }));
  const y = keep(ones([numbers], { device: "webgpu" }));
  return {
    ...measured(dispatches),
    run: () =>
      scope(() => {
        let sum = x;
        for (let k = 0; k < dispatches; k++) sum = add(sum, y);
      }),
    settle: async () => {
      await y.data();
    },
    close: () => [x, y].forEach((t) => t.dispose()),
  };
}

/** What of it is the WebGPU implementation's own: the least calls of it that do the same, on objects made beforehand. */
async function raw(dispatches: number): Promise<Workload> {
  const { device } = await acquireGpu();
  const { layout, pipeline } = new Pipelines(device).compile(op("add").kernel, "f32", "offset");
  const buffers = Array.from({ length: batch + 2 }, () =>
    device.createBuffer({ size: 4 * numbers, usage: usage.storage }),
  );
  const stride = 2 * Math.max(device.limits.minUniformBufferOffsetAlignment, 256);
  const parameters = device.createBuffer({ size: batch * stride, usage: usage.uniform | usage.copyTarget });
  const groups = Array.from({ length: batch }, (_, k) =>
    device.createBindGroup({
      layout: layout.bindings,
      entries: [
        { binding: 0, resource: { buffer: buffers[k] } },
        { binding: 1, resource: { buffer: buffers[batch + 1] } },
        { binding: 2, resource: { buffer: buffers[k + 1] } },
        { binding: 3, resource: { buffer: parameters, size: parameterBytes } },
      ],
    }),
  );
  const offsets = groups.map((_, k) => [k * stride]);
  const host = new ArrayBuffer(batch * stride);
  const words = new Int32Array(host);
  for (let k = 0; k < batch; k++) words.set([1, numbers, 1, 1], (k * stride) / 4);
  let encoder: GPUCommandEncoder | undefined;
  const submit = (): void => {
    if (encoder === undefined) return;
    device.queue.writeBuffer(parameters, 0, host);
    device.queue.submit([encoder.finish()]);
    encoder = undefined;
  };
  return {
    ...measured(dispatches),
    run: () => {
      encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      for (let k = 0; k < dispatches; k++) {
        pass.setBindGroup(0, groups[k], offsets[k]);
        pass.dispatchWorkgroups(1);
      }
      pass.end();
      if (dispatches === batch) submit();
    },
    settle: async () => {
      submit();
      await device.queue.onSubmittedWorkDone();
    },
    close: () => device.destroy(),
  };
}

/** Without an adapter the row is left out, with what to install. */
function row(name: string, prepare: (dispatches: number) => Promise<Workload>, dispatches: number): Bench {
  const open = (): Promise<Workload | string> =>
    prepare(dispatches).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  return { name, dtype: "f32", threads: 1, open };
}

export const webGpuRows: readonly Bench[] = [
  row("webgpu/dispatch", ours, batch - 1),
  row("webgpu/dispatch-raw", raw, batch - 1),
  row("webgpu/submit", ours, batch),
  row("webgpu/submit-raw", raw, batch),
];
