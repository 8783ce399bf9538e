import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as everything from "../../kernels/index.generated.js";
import { Op } from "../../src/autograd/define-op.js";

/** All operations that families define one by one (the elementwise ones are made from a table, kernels for every device included). */
export const ops: readonly Op[] = Object.values(everything).filter((x) => x instanceof Op);

/** Names of the operations of a family. */
export async function namesOf(family: string): Promise<string[]> {
  const path = family === "elementwise" ? "elementwise/ops.generated.js" : `${family}/op.js`;
  const defined = (await import(`../../kernels/${path}`)) as Record<string, unknown>;
  return Object.values(defined).flatMap((x) => (x instanceof Op ? [x.name] : []));
}

const folder = fileURLToPath(new URL("../../kernels/", import.meta.url));
const listed = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
  /cuda\.(cu|generated\.h)$/.test(name),
);

/** Kernels of all cuda.cu files, by name. */
export const cudaKernels: ReadonlySet<string> = new Set(
  listed.flatMap((name) =>
    Array.from(
      readFileSync(folder + name, "utf8").matchAll(/CUDA_KERNEL(?:_ANY|_F64)?\((\w+)\)/g),
      ([, kernel]) => kernel,
    ),
  ),
);
