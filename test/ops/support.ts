import type { DeviceName } from "../../src/tensor/backend.js";
import { device as openDevice } from "../../src/tensor/device.js";
import { scope } from "../../src/tensor/scope.js";
import { tensor } from "../../src/tensor/tensor.js";
import type { OpCases } from "../../src/testing/cases.js";
import { Samples } from "../../src/testing/samples.js";
import { derivativeTensors, type FloatType, inputsOf } from "./derivatives.js";

/** What of an op runs on a device: one row of the op table. */
export interface Support {
  readonly op: string;
  readonly device: DeviceName;
  readonly dtype: FloatType;
  /** Highest derivative that runs; -1: not even the value. */
  readonly order: -1 | 0 | 1 | 2;
  /** Why the next order does not run, where the op has one; `missing` when the device lacks a kernel, else a mistake. */
  readonly reason?: string;
  readonly missing: boolean;
  /** Kernels launched, by name. */
  readonly kernels: ReadonlySet<string>;
}

/** Runs the small samples of an op, value first, then its derivatives, until something is missing or fails. */
export async function supportOf(c: OpCases, device: DeviceName, dtype: FloatType): Promise<Support> {
  const kernels = new Set<string>();
  const found = await launchesOf(device, kernels, () => orderOf(c, device, dtype));
  return { ...found, kernels };
}

/** Notes the names of all kernels that the device runs during `f`. */
async function launchesOf<R>(name: DeviceName, names: Set<string>, f: () => Promise<R>): Promise<R> {
  const { backend } = openDevice(name);
  const launch = backend.launch.bind(backend);
  backend.launch = (kernel, type) => {
    names.add(kernel.name);
    launch(kernel, type);
  };
  try {
    return await f();
  } finally {
    Reflect.deleteProperty(backend, "launch");
  }
}

async function orderOf(c: OpCases, device: DeviceName, dtype: FloatType): Promise<Omit<Support, "kernels">> {
  const samples = c.samples(new Samples(1)).filter((s) => s.large !== true);
  let order: Support["order"] = -1;
  try {
    for (const next of [0, 1, 2] as const) {
      if (next > highestOrder(c)) break;
      for (const sample of samples)
        scope(() => {
          if (next === 0) c.run(inputsOf(sample, device, dtype), sample.attrs ?? {});
          else derivativeTensors(c, sample, device, dtype, next);
        });
      await enqueuedCommands(device);
      order = next;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      op: c.op,
      device,
      dtype,
      order,
      reason,
      missing: /has no (\w+ )?kernel|computes in f32|cannot wait/.test(reason),
    };
  }
  return { op: c.op, device, dtype, order, missing: false };
}

/** Waits for the device, which reports mistakes in earlier commands at a read. */
async function enqueuedCommands(device: DeviceName): Promise<void> {
  const probe = tensor([0], [1], { device });
  try {
    await probe.data();
  } finally {
    probe.dispose();
  }
}

/** The highest derivative an op's cases ask for. */
export function highestOrder(c: OpCases): number {
  return c.differentiate.length === 0 ? 0 : (c.order ?? 2);
}
