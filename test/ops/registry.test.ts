import { describe, expect, it } from "vitest";
import type { Op } from "../../src/autograd/define-op.js";
import { cudaKernels, ops } from "./registry.js";

/** Storage buffers that WebGPU promises to bind in one kernel. */
const mostBuffers = 8;

/** Operations in f64 alone have no kernel for WebGPU, where others, in f32 alone, take their place. */
const inDouble = (op: Op): boolean => op.spec.types !== undefined && !op.spec.types.includes("f32");
const inSingle = (op: Op): boolean => op.spec.types?.join() === "f32";
const everywhere = ops.filter((op) => !inDouble(op) && !inSingle(op));
const byName = (name: string): Op | undefined => ops.find((op) => op.name === name);

describe.each(everywhere.map((op) => [op.name, op] as const))("%s", (_name, op) => {
  const { wgsl, decompose, partOf, shortcutOf } = op.spec;

  it("runs on every device: by a kernel, by its parts, or not at all without the op it belongs to", () => {
    const elsewhere = decompose !== undefined || (partOf ?? shortcutOf) !== undefined;
    expect(wgsl !== undefined || elsewhere).toBe(true);
    expect(cudaKernels.has(op.name) || elsewhere).toBe(true);
  });

  it.runIf(shortcutOf !== undefined)("shortens the rule of an op that runs without it", () => {
    expect(byName(shortcutOf!)?.spec.vjp).toBeDefined();
  });

  it.runIf(wgsl !== undefined)("binds no more buffers than every WebGPU device has", () => {
    expect(op.kernel.bound!.length).toBeLessThanOrEqual(mostBuffers);
  });

  it.runIf(partOf !== undefined)("has kernels where the op it belongs to has them", () => {
    const whole = byName(partOf!);
    expect(whole?.spec.decompose).toBeDefined();
    expect(wgsl === undefined).toBe(whole!.spec.wgsl === undefined);
    expect(cudaKernels.has(op.name)).toBe(cudaKernels.has(whole!.name));
  });
});

const double = ops.filter(inDouble);

it("knows which operations exist in f64 alone", () => {
  expect(double.map((op) => op.name)).toEqual([
    "neighbourExtent",
    "neighbourGrid",
    "neighbourFind",
    "neighbourFill",
    "neighbourFillSingle",
    "verletPack",
    "verletMoved",
    "verletWithin",
    "verletFill",
  ]);
});

it.each(double.map((op) => op.name))("%s runs where f64 does", (name) => {
  expect(cudaKernels.has(name)).toBe(true);
});

it("knows which operations exist for devices without f64 alone", () => {
  const single = ops.filter(inSingle);
  expect(single.map((op) => op.name)).toEqual(["neighbourCandidates"]);
  for (const op of single) {
    expect(op.spec.wgsl).toBeDefined();
    expect(op.kernel.bound!.length).toBeLessThanOrEqual(mostBuffers);
  }
});
