import { afterAll, describe, expect, it } from "vitest";
import { add, mul, tanh } from "../../kernels/elementwise/ops.generated.js";
import { often } from "../../src/backends/webgpu/body.js";
import { batch } from "../../src/backends/webgpu/commands.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { scope } from "../../src/tensor/scope.js";
import { ones, type Tensor } from "../../src/tensor/tensor.js";

/** A WebGPU that computes nothing and counts what it is asked for: what a launch costs the host, whatever the machine. */
const calls = { pipeline: 0, group: 0, offset: 0, dispatch: 0, write: 0, submit: 0, create: 0 };
const pass = {
  setPipeline: () => calls.pipeline++,
  setBindGroup: (...args: unknown[]) => (args.length === 2 ? calls.group++ : calls.offset++),
  dispatchWorkgroups: () => calls.dispatch++,
  end: () => undefined,
};
const limits = {
  minUniformBufferOffsetAlignment: 256,
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 10,
};
const device = {
  limits,
  lost: new Promise(() => undefined),
  addEventListener: () => undefined,
  createBuffer: ({ size }: { size: number }) => ({ size }),
  createBindGroup: () => ({ number: calls.create++ }),
  createBindGroupLayout: () => ({}),
  createPipelineLayout: () => ({}),
  createComputePipeline: () => ({}),
  createShaderModule: () => ({}),
  createCommandEncoder: () => ({ beginComputePass: () => pass, finish: () => ({}) }),
  queue: { writeBuffer: () => calls.write++, submit: () => calls.submit++ },
};
const adapter = { limits, requestDevice: () => Promise.resolve(device) };
const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
Object.defineProperty(globalThis, "navigator", {
  value: { gpu: { requestAdapter: () => Promise.resolve(adapter) } },
  configurable: true,
});
afterAll(() => {
  if (before !== undefined) Object.defineProperty(globalThis, "navigator", before);
});

await openWebGpu();

/** What a run of `f` asks for. */
function asked(f: () => void): typeof calls {
  const start = { ...calls };
  f();
  const names = Object.keys(calls) as (keyof typeof calls)[];
  return Object.fromEntries(names.map((name) => [name, calls[name] - start[name]])) as typeof calls;
}

describe("calls of WebGPU", () => {
  const x = ones([64], { device: "webgpu" });
  const chain = (count: number, step: (h: Tensor, k: number) => Tensor): void =>
    scope(() => {
      let h = x;
      for (let k = 0; k < count; k++) h = step(h, k);
    });

  it("are two a dispatch once a launch has come often: neither offsets nor parameters are written", () => {
    const run = (): void => chain(batch, (h) => add(h, x));
    for (let k = 0; k < often; k++) run();
    expect(asked(run)).toEqual({
      pipeline: 1,
      group: batch,
      offset: 0,
      dispatch: batch,
      write: 0,
      submit: 1,
      create: 0,
    });
  });

  it("are three where the kernel changes", () => {
    const run = (): void => chain(batch, (h, k) => (k % 2 === 0 ? tanh(h) : mul(h, 0.5)));
    for (let k = 0; k < often; k++) run();
    expect(asked(run)).toMatchObject({ pipeline: batch, group: batch, offset: 0, write: 0, create: 0 });
  });

  it("upload the parameters of a batch together where they change each time, and make no group for them", () => {
    let number = 0;
    const run = (): void => chain(batch, (h) => mul(h, ++number));
    for (let k = 0; k < 3; k++) run();
    expect(asked(run)).toEqual({
      pipeline: 1,
      group: 0,
      offset: batch,
      dispatch: batch,
      write: 1,
      submit: 1,
      create: 0,
    });
  });
});
