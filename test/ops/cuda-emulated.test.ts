import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { CudaAddon } from "../../src/backends/cuda/addon.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openCudaAddon } from "../../src/backends/cuda/cuda.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { absence, deviceMatrix } from "./device-matrix.js";
import { expectSameNeighbours, expectTensorsSearchedOn } from "./neighbour-search.js";
import { trainForces } from "./force-training.js";

// Every cuda.cu on the host (test/cuda-emulation): proves the kernels' arithmetic, indices and barriers where no GPU is.
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

function openEmulation(): void {
  const target = path("../../build/cuda_emulated.node");
  const built = spawnSync(process.execPath, [path("../cuda-emulation/build.mjs"), target], {
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`the emulation does not build: ${built.stderr.split("\n")[0]}`);
  openCudaAddon(createRequire(import.meta.url)(target) as CudaAddon);
}

openCpu();
openReference();
setDefaultDevice("cpu");
const possible = process.platform !== "win32" && ["x64", "arm64"].includes(process.arch);
const absent = possible
  ? await absence(openEmulation)
  : "the emulation's fibers need Linux or macOS on x64 or arm64";

await deviceMatrix({
  device: "cuda",
  dtypes: ["f32", "f64"],
  absent,
  slack: 4,
  // rows longer than a warp
  largeDerivatives: (family) => family === "gated_softmax",
});

it.skipIf(absent !== undefined)("trains forces as the cpu does", async () => {
  const [cpu, cuda] = [await trainForces("cpu", "f64", 5), await trainForces("cuda", "f64", 5)];
  cuda.forEach((loss, k) => expect(loss).toBeCloseTo(cpu[k], 10));
});

it.skipIf(absent !== undefined)("finds the neighbours that the cpu finds", () =>
  expectSameNeighbours("cuda"),
);

it.skipIf(absent !== undefined)("searches where the positions are", () => {
  expectTensorsSearchedOn("cuda");
  expectTensorsSearchedOn("cpu");
});
