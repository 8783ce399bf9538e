import { expect, it } from "vitest";
import { families } from "../../kernels/cases.generated.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import type { OpCases } from "../../src/testing/cases.js";
import { absence } from "./device-matrix.js";
import type { FloatType } from "./derivatives.js";
import { cudaKernels, namesOf, ops } from "./registry.js";
import { supportOf } from "./support.js";

openCpu();
openReference();
setDefaultDevice("cpu");
const noWebGpu = await absence(openWebGpu);

const introduction = `# Which operation runs where

Written by \`npm test -- test/ops/table.test.ts -u\`, which runs every operation on every device; the test fails when this
page is out of date. A number is the highest derivative that the samples of the operation run to on that device (2: gradients
of gradients; higher orders follow from the same rules), 0 the value alone; – nothing, because the number type does not exist
there. "parts": on this device the operation, or one of its derivatives, has no kernel of its own and runs by its elementary
parts. "candidates": f64 decides, which the device lacks; a kernel there finds what can be in question, and the host decides
(\`neighborListAsync\`, \`neighborTensorsAsync\`: the same neighbours as everywhere). \`cuda\`: + kernels of its own compile with
nvcc and pass on an emulated device. **CUDA has not been run on hardware.**

`;

const orderIn = ({ order }: { order: number }): string => (order < 0 ? "–" : String(order));

/** Kernels that a device may lack without doing anything by parts. */
const shortcuts = ops.filter(({ spec }) => spec.shortcutOf !== undefined).map((op) => op.name);

/** How WebGPU does what is decided in f64. */
async function withoutDouble(family: string): Promise<string> {
  const names = await namesOf(family);
  return ops.some(({ name, spec }) => names.includes(name) && spec.wgsl !== undefined) ? "candidates" : "–";
}

/** The row of an operation: what runs, and whether by the kernels that the CPU uses. */
async function rowOf(family: string, c: OpCases): Promise<string> {
  const on = (type: FloatType): boolean => c.types?.includes(type) ?? true;
  const exact = await supportOf(c, "cpu", "f64");
  const own = (await namesOf(family)).filter((name) => exact.kernels.has(name) && !shortcuts.includes(name));
  const single = on("f32") ? orderIn(await supportOf(c, "cpu", "f32")) : "–";
  const start = `| ${family}/${c.op} | ${single} | ${on("f64") ? orderIn(exact) : "–"}`;
  const cuda = own.every((name) => cudaKernels.has(name));
  if (!on("f32")) return `${start} | ${await withoutDouble(family)} | ${cuda ? "+" : "parts"} |`;
  const gpu = await supportOf(c, "webgpu", "f32");
  const parts = own.every((name) => gpu.kernels.has(name)) ? "" : " parts";
  return `${start} | ${orderIn(gpu)}${parts} | ${cuda ? "+" : "parts"} |`;
}

it.skipIf(noWebGpu !== undefined)(
  `docs/ops.md is what runs${noWebGpu === undefined ? "" : ` (${noWebGpu})`}`,
  { timeout: 120_000 },
  async () => {
    const lines = ["| operation | cpu f32 | cpu f64 | webgpu f32 | cuda |", "|---|---|---|---|---|"];
    for (const [family, cases] of Object.entries(families))
      for (const c of cases) lines.push(await rowOf(family, c));
    const table = lines.join("\n");
    process.stdout.write(`${table}\n`);
    await expect(`${introduction}${table}\n`).toMatchFileSnapshot("../../docs/ops.md");
  },
);
