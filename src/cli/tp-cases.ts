import {
  ElementwiseTensorProduct,
  FullTensorProduct,
  FullyConnectedTensorProduct,
} from "../equivariant/fixed-products.js";
import type { InstructionLike } from "../equivariant/instruction.js";
import { TensorProduct, type TensorProductOptions } from "../equivariant/tensor-product.js";
import { AtomgradError } from "../tensor/error.js";

/** A tensor product of the cases file. */
export interface ProductCase {
  readonly key: string;
  readonly product: TensorProduct;
}

const kinds = [
  "TensorProduct",
  "FullyConnectedTensorProduct",
  "FullTensorProduct",
  "ElementwiseTensorProduct",
];
const keys = [
  ...["key", "kind", "irreps_in1", "irreps_in2", "irreps_out", "instructions", "filter_ir_out"],
  ...["irrep_normalization", "path_normalization", "shared_weights", "in1_var", "in2_var", "out_var"],
];

type Entry = Readonly<Record<string, unknown>>;

/** Reads the list of cases. Errors: CONFIG and VALUE, naming the file, the case and the key. */
export function productCases(text: string, file: string): ProductCase[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw new AtomgradError("CONFIG", `${file}: not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!Array.isArray(list)) throw new AtomgradError("CONFIG", `${file}: a list of cases is needed`);
  const seen = new Set<string>();
  return list.map((entry: unknown, n) => {
    const made = productCase(entry, file, n);
    if (seen.has(made.key))
      throw new AtomgradError("CONFIG", `${file}: two cases have the key "${made.key}"`);
    seen.add(made.key);
    return made;
  });
}

function productCase(entry: unknown, file: string, n: number): ProductCase {
  if (entry === null || typeof entry !== "object" || Array.isArray(entry))
    throw new AtomgradError("CONFIG", `${file}: case ${n} must be an object`);
  const read = new CaseReader(entry as Entry, `${file}: case ${n}`);
  const key = read.text("key");
  const named = new CaseReader(entry as Entry, `${file}: case "${key.slice(0, 60)}"`);
  named.checkKeys();
  try {
    return { key, product: productOf(named) };
  } catch (error) {
    if (!(error instanceof AtomgradError) || error.message.startsWith(file)) throw error;
    throw new AtomgradError(error.code, `${named.label}: ${error.message}`, { cause: error });
  }
}

function productOf(read: CaseReader): TensorProduct {
  const kind = read.oneOf("kind", kinds);
  const [in1, in2] = [read.text("irreps_in1"), read.text("irreps_in2")];
  const options: TensorProductOptions = {
    irrepNormalization: read.optional("irrep_normalization", () =>
      read.oneOf("irrep_normalization", ["component", "norm", "none"]),
    ) as TensorProductOptions["irrepNormalization"],
    pathNormalization: read.optional("path_normalization", () =>
      read.oneOf("path_normalization", ["element", "path", "none"]),
    ) as TensorProductOptions["pathNormalization"],
    sharedWeights: read.optional("shared_weights", () => read.truth("shared_weights")),
    internalWeights: false,
    in1Var: read.optional("in1_var", () => read.numbers("in1_var")),
    in2Var: read.optional("in2_var", () => read.numbers("in2_var")),
    outVar: read.optional("out_var", () => read.numbers("out_var")),
  };
  if (kind === "TensorProduct")
    return new TensorProduct(in1, in2, read.text("irreps_out"), read.instructions(), options);
  if (kind === "FullyConnectedTensorProduct")
    return new FullyConnectedTensorProduct(in1, in2, read.text("irreps_out"), options);
  const filterIrOut = read.optional("filter_ir_out", () => read.texts("filter_ir_out"));
  return kind === "FullTensorProduct"
    ? new FullTensorProduct(in1, in2, { ...options, filterIrOut })
    : new ElementwiseTensorProduct(in1, in2, { ...options, filterIrOut });
}

/** Keys of one case, with messages that say where and what. */
class CaseReader {
  constructor(
    private readonly entry: Entry,
    readonly label: string,
  ) {}

  checkKeys(): void {
    const unknown = Object.keys(this.entry).find((key) => !keys.includes(key));
    if (unknown !== undefined)
      throw new AtomgradError(
        "CONFIG",
        `${this.label}: unknown key "${unknown.slice(0, 60)}"; known: ${keys.join(", ")}`,
      );
  }

  optional<V>(key: string, read: () => V): V | undefined {
    const value = this.value(key);
    return value === undefined || value === null ? undefined : read();
  }

  text(key: string): string {
    const value = this.value(key);
    return typeof value === "string" ? value : this.refuse(key, "text");
  }

  truth(key: string): boolean {
    const value = this.value(key);
    return typeof value === "boolean" ? value : this.refuse(key, "true or false");
  }

  oneOf(key: string, allowed: readonly string[]): string {
    const value = this.value(key);
    return allowed.includes(value as string)
      ? (value as string)
      : this.refuse(key, `one of ${allowed.join(", ")}`);
  }

  numbers(key: string): number[] {
    return this.list(key, "a list of numbers", (v): v is number => typeof v === "number");
  }

  texts(key: string): string[] {
    return this.list(key, "a list of irreps", (v): v is string => typeof v === "string");
  }

  instructions(): InstructionLike[] {
    const wanted = "a list of [i_in1, i_in2, i_out, mode, has_weight, path_weight?]";
    const isInstruction = (v: unknown): v is InstructionLike =>
      Array.isArray(v) &&
      (v.length === 5 || v.length === 6) &&
      v.slice(0, 3).every((i) => Number.isInteger(i)) &&
      typeof v[3] === "string" &&
      typeof v[4] === "boolean" &&
      (v.length === 5 || typeof v[5] === "number");
    return this.list("instructions", wanted, isInstruction);
  }

  private list<V>(key: string, wanted: string, fits: (v: unknown) => v is V): V[] {
    const value = this.value(key);
    return Array.isArray(value) && value.every(fits) ? value : this.refuse(key, wanted);
  }

  private value(key: string): unknown {
    return Object.hasOwn(this.entry, key) ? this.entry[key] : undefined;
  }

  private refuse(key: string, wanted: string): never {
    const found = JSON.stringify(this.value(key))?.slice(0, 80) ?? "nothing";
    throw new AtomgradError("CONFIG", `${this.label}: "${key}" is ${found}; needed is ${wanted}`);
  }
}
