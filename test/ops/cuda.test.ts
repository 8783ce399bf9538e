import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadCudaAddon } from "../../src/backends/cuda/addon.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openCuda } from "../../src/backends/cuda/cuda.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { absence, deviceMatrix } from "./device-matrix.js";
import { expectSameNeighbours, expectTensorsSearchedOn } from "./neighbour-search.js";

openCpu();
openReference();
setDefaultDevice("cpu");

const built = existsSync(fileURLToPath(new URL("../../build/Release/atomgrad_cuda.node", import.meta.url)));

it.skipIf(!built)(`loads its addon with or without a GPU${built ? "" : " (not built: no nvcc)"}`, () => {
  const addon = loadCudaAddon();
  expect(typeof addon.present()).toBe("boolean");
  const names = addon.kernels().map(([name]) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(["add", "sum", "matmul", "segmentSum"]));
  if (addon.present()) return;
  expect(addon.open(0)).toBeGreaterThan(0);
  expect(() => openCuda()).toThrow(AtomgradError);
  expect(() => openCuda()).toThrow(/^cuda: no NVIDIA GPU with a driver found/);
});

const absent = await absence(() => openCuda());
await deviceMatrix({ device: "cuda", dtypes: ["f32", "f64"], absent, slack: 4 });

it.skipIf(absent !== undefined)("finds the neighbours that the cpu finds", () => {
  expectSameNeighbours("cuda");
  expectTensorsSearchedOn("cuda");
});
