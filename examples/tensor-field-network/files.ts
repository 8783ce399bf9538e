import { join } from "node:path";
import { z } from "zod";
import { AtomgradError, o3, Tensor, tensor } from "../../src/index.js";
import { writeFilesAtomicSync } from "../../src/data/atomic-write.js";
import { checkWritableFolder } from "../../src/data/check-writable.js";
import { encodeNpy, readNpyFloat64 } from "../../src/data/npy.js";
import { readText } from "../../src/data/read-file.js";

/** What the convolution is made from. Positions [N,3], features [N, dim], a matrix [3,3]; all float64. */
export interface Given {
  readonly irreps: string;
  readonly irrepsInput: string;
  readonly irrepsOutput: string;
  readonly lmax: number;
  readonly maxRadius: number;
  readonly numBasis: number;
  readonly hidden: number;
  readonly activation: "relu" | "silu";
  /** Fully connected products to print: first and second input, output. */
  readonly products: readonly (readonly [string, string, string])[];
  readonly rot: Tensor;
  readonly pos: Tensor;
  readonly fIn: Tensor;
  /** Gives the network of invariants its weights; absent: it keeps its own random ones. */
  readonly setWeights?: (fc: o3.FullyConnectedNet) => void;
}

/** What is written as NAME.npy. */
export type Result = Tensor | { readonly shape: readonly number[]; readonly data: Float64Array | Int32Array };

const largestConfig = 1 << 24;
const positive = z.number().positive();
const count = z.int().min(1).max(1e6);
const configSchema = z.strictObject({
  irreps: z.string(),
  irreps_input: z.string(),
  irreps_output: z.string(),
  lmax: z.int().min(0).max(11),
  max_radius: positive,
  num_basis: count,
  hidden: count,
  activation: z.enum(["relu", "silu"]),
  products: z.array(z.tuple([z.string(), z.string(), z.string()])),
});

function readConfig(path: string): z.infer<typeof configSchema> {
  const text = readText(path, largestConfig);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AtomgradError("CONFIG", `config.json: not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path: key, message } = parsed.error.issues[0];
  throw new AtomgradError("CONFIG", `config.json: "${key.join(".")}": ${message}`);
}

/** The inputs of IN_DIR, with OUT_DIR checked. Errors: CONFIG, FILE, SHAPE naming the file. */
export function readGiven(args: readonly string[]): Given {
  if (args.length !== 2)
    throw new AtomgradError(
      "CONFIG",
      `give IN_DIR and OUT_DIR, or nothing; got ${args.length} words: npm run example:tfn -- IN_DIR OUT_DIR`,
    );
  const [folder, out] = args;
  const config = readConfig(join(folder, "config.json"));
  checkWritableFolder(out, "OUT_DIR");
  const array = (name: string, ...wanted: (number | undefined)[]): Tensor => {
    const { shape, data } = readNpyFloat64(join(folder, name));
    if (shape.length !== wanted.length || wanted.some((n, k) => n !== undefined && n !== shape[k]))
      throw new AtomgradError(
        "SHAPE",
        `${name}: has shape [${shape.join(",")}], expected [${wanted.map((n) => n ?? "any").join(",")}]`,
      );
    return tensor(data, shape);
  };
  const pos = array("pos.npy", undefined, 3);
  const layer0 = array("layer0.npy", config.num_basis, config.hidden);
  const layer1 = array("layer1.npy", config.hidden, undefined);
  return {
    irreps: config.irreps,
    irrepsInput: config.irreps_input,
    irrepsOutput: config.irreps_output,
    lmax: config.lmax,
    maxRadius: config.max_radius,
    numBasis: config.num_basis,
    hidden: config.hidden,
    activation: config.activation,
    products: config.products,
    rot: array("rot.npy", 3, 3),
    pos,
    fIn: array("f_in.npy", pos.shape[0], new o3.Irreps(config.irreps_input).dim),
    setWeights: (fc) => {
      const state = [layer0, layer1].map((t, k) => {
        const { inputs, outputs } = fc.layers[k];
        if (t.shape[1] !== outputs)
          throw new AtomgradError(
            "SHAPE",
            `layer${k}.npy: has shape [${t.shape.join(",")}], expected [${inputs},${outputs}]`,
          );
        return [`layer${k}.weight`, { shape: t.shape, data: t.dataSync() }] as const;
      });
      fc.loadState(new Map(state));
    },
  };
}

/** Writes every result and the printed lines, or after an error nothing. */
export function writeResults(
  folder: string,
  results: Record<string, Result>,
  printed: readonly string[],
): void {
  const files = Object.entries(results).map(([name, { shape, ...rest }]) => {
    const data = "data" in rest ? rest.data : undefined;
    const values = results[name] instanceof Tensor ? results[name].dataSync() : data;
    return { path: join(folder, `${name}.npy`), content: encodeNpy({ shape, data: values as Float64Array }) };
  });
  const lines = JSON.stringify(printed, null, 1);
  writeFilesAtomicSync([...files, { path: join(folder, "printed.json"), content: `${lines}\n` }]);
}
