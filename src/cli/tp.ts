import type { Command } from "commander";
import { basename } from "node:path";
import { add, square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../autograd/grad.js";
import { requireGrad } from "../autograd/node.js";
import { openCpu } from "../backends/cpu/cpu.js";
import { writeFileAtomicSync } from "../data/atomic-write.js";
import { checkWritableFile } from "../data/check-writable.js";
import { encodeNpz, type NpzArray, readNpz } from "../data/npz.js";
import { readText } from "../data/read-file.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { type ProductCase, productCases } from "./tp-cases.js";

export const tpExample = "atomgrad tp cases.json inputs.npz -o products.npz";

const casesExample =
  '[{"key": "a", "kind": "FullyConnectedTensorProduct", "irreps_in1": "2x0e+1x1o", "irreps_in2": "1x1o", "irreps_out": "3x1o"}]';

const largestCasesFile = 1 << 26;

/** `atomgrad tp`: tensor products with two derivatives on given numbers, for comparison with any other implementation. */
export function addTpCommand(program: Command): void {
  program
    .command("tp")
    .description("tensor products of irreps with first and second derivatives, as npz")
    .argument(
      "<CASES.json>",
      "a list of products: key, kind, irreps_in1, irreps_in2, irreps_out, instructions, ...",
    )
    .argument(
      "<INPUTS.npz>",
      "of every case KEY_x [B, dim], KEY_y [B, dim], KEY_cotangent [B, dim], KEY_w [weights]",
    )
    .requiredOption("-o, --output <OUT.npz>", "where KEY_out, KEY_grad_* and KEY_gradgrad_* go")
    .addHelpText("after", `\nCASES.json:\n  ${casesExample}\n\nExample:\n  ${tpExample}`)
    .action((casesFile: string, inputsFile: string, { output }: { output: string }) => {
      const cases = productCases(readText(casesFile, largestCasesFile), basename(casesFile));
      const inputs = readNpz(inputsFile);
      checkWritableFile(output, "-o");
      openCpu();
      const arrays = new Map<string, NpzArray>();
      for (const one of cases) computeCase(one, inputs, basename(inputsFile), arrays);
      writeFileAtomicSync(output, encodeNpz(arrays));
      for (const one of cases) console.log(JSON.stringify(summaryOf(one)));
    });
}

/** What is printed of a case. */
export function summaryOf({ key, product }: ProductCase): Record<string, unknown> {
  return {
    key,
    printed: product.toString(),
    weight_numel: product.weightNumel,
    coefficients: product.instructions.map((i) => i.pathWeight),
  };
}

/** Value, gradients and gradients of the sum of squares of all gradients, put into `results` by their names. */
export function computeCase(
  { key, product }: ProductCase,
  inputs: ReadonlyMap<string, NpzArray>,
  file: string,
  results: Map<string, NpzArray>,
): void {
  const given = (name: string): NpzArray => {
    const array = inputs.get(`${key}_${name}`);
    if (array !== undefined) return array;
    if (name === "w" && product.weightNumel === 0) return { shape: [0], data: new Float64Array(0) };
    throw new AtomgradError("FORMAT", `${file}: ${key}_${name} is missing`);
  };
  const named = new Map(["x", "y", "w", "cotangent"].map((name) => [name, given(name)]));
  for (const [name, { data }] of named)
    if (!data.every(Number.isFinite))
      throw new AtomgradError("NUMERIC", `${file}: ${key}_${name} has a number that is not finite`);
  scope(() => {
    try {
      const put = (name: string, t: Tensor): void => {
        results.set(`${key}_${name}`, { shape: t.shape, data: t.dataSync() as Float64Array });
      };
      derivatives(product, named, put);
    } catch (error) {
      if (!(error instanceof AtomgradError)) throw error;
      throw new AtomgradError(error.code, `${file}: case "${key}": ${error.message}`, { cause: error });
    }
  });
}

function derivatives(
  product: ProductCase["product"],
  named: ReadonlyMap<string, NpzArray>,
  put: (name: string, t: Tensor) => void,
): void {
  const [x, y, w, cotangent] = [...named.values()].map(({ shape, data }) => requireGrad(tensor(data, shape)));
  const out = product.call(x, y, product.weightNumel > 0 ? w : undefined);
  put("out", out);
  const variables = { x, y, w };
  const names = ["x", "y", "w"] as const;
  const zerosLike = (t: Tensor): Tensor => tensor(new Float64Array(t.size), t.shape);
  const first =
    out.node === undefined
      ? names.map(() => undefined)
      : grad(out, [x, y, w], { gradOutput: cotangent, createGraph: true, allowUnused: true });
  names.forEach((name, k) => put(`grad_${name}`, first[k] ?? zerosLike(variables[name])));
  const all = { ...variables, cotangent };
  const squares = first.flatMap((g) => (g?.node === undefined ? [] : [sum(square(g))]));
  const second =
    squares.length === 0
      ? []
      : grad(
          squares.reduce((a, b) => add(a, b)),
          Object.values(all),
          { allowUnused: true },
        );
  Object.entries(all).forEach(([name, t], k) => put(`gradgrad_${name}`, second[k] ?? zerosLike(t)));
}
