import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { families } from "../../kernels/cases.generated.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import type { OpCases } from "../../src/testing/cases.js";
import { absence } from "./device-matrix.js";
import type { FloatType } from "./matrix.js";
import { supportOf } from "./support.js";

openCpu();
openReference();
setDefaultDevice("cpu");
const noWebGpu = await absence(openWebGpu);

const introduction = `# Which operation runs where

Written by \`npx vitest run test/ops/table.test.ts -u\`, which runs every operation on every device; the test fails when this
page is out of date. A number is the highest derivative that the samples of the operation run to on that device (2: gradients
of gradients; higher orders follow from the same rules), 0 the value alone; – nothing. On every device a fused operation
without a kernel runs by its elementary parts. \`cuda\`: + the family's kernels compile with nvcc
and pass on an emulated device; they have not been run on hardware.

`;

/** Whether the family has CUDA kernels. */
function onCuda(family: string): boolean {
  return existsSync(fileURLToPath(new URL(`../../kernels/${family}/cuda.cu`, import.meta.url)));
}

async function cell(c: OpCases, device: "cpu" | "webgpu", dtype: FloatType): Promise<string> {
  if (c.types !== undefined && !c.types.includes(dtype)) return "–";
  const { order } = await supportOf(c, device, dtype);
  return order < 0 ? "–" : String(order);
}

it.skipIf(noWebGpu !== undefined)(
  `docs/ops.md is what runs${noWebGpu === undefined ? "" : ` (${noWebGpu})`}`,
  { timeout: 120_000 },
  async () => {
    const lines = ["| operation | cpu f32 | cpu f64 | webgpu f32 | cuda |", "|---|---|---|---|---|"];
    for (const [family, cases] of Object.entries(families))
      for (const c of cases) {
        const cells = [
          await cell(c, "cpu", "f32"),
          await cell(c, "cpu", "f64"),
          await cell(c, "webgpu", "f32"),
          onCuda(family) ? "+" : "–",
        ];
        lines.push(`| ${family}/${c.op} | ${cells.join(" | ")} |`);
      }
    const table = lines.join("\n");
    process.stdout.write(`${table}\n`);
    await expect(`${introduction}${table}\n`).toMatchFileSnapshot("../../docs/ops.md");
  },
);
