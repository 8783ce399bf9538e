import type { DerivedArray } from "../nn/state.js";
import type { Shape } from "../tensor/shape.js";
import type { ConnectionMode, Instruction } from "./instruction.js";
import type { Irreps } from "./irreps.js";
import { wigner3j } from "./wigner.js";

/** Names and arrays that e3nn keeps among the buffers of a module and that follow from how it was made. */
export type NamedArrays = readonly (readonly [name: string, array: DerivedArray])[];

/** What of a product decides them. */
export interface ProductLike {
  readonly irrepsIn1: Irreps;
  readonly irrepsIn2: Irreps;
  readonly irrepsOut: Irreps;
  readonly instructions: readonly Instruction[];
  /** Present where the module holds its weights. */
  readonly weight: unknown;
  readonly outputMask: Float64Array;
}

/** Parameters that a module does not have: e3nn registers an empty buffer in their place, shape [0]. */
export function absent(parameters: Readonly<Record<string, unknown>>): NamedArrays {
  return Object.entries(parameters).flatMap(([name, parameter]) =>
    parameter === undefined ? [[name, { shape: [0], values: () => new Float64Array(0) }] as const] : [],
  );
}

/** The buffer "output_mask". */
export function maskArray(mask: Float64Array): NamedArrays {
  return [["output_mask", { shape: [mask.length], values: () => mask }]];
}

export function prefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  return arrays.map(([name, array]) => [prefix + name, array]);
}

/** A 3j tensor, times a factor. */
export function couplingArray(ls: readonly [number, number, number], factor = 1): DerivedArray {
  const shape = ls.map((l) => 2 * l + 1);
  return { shape, values: () => wigner3j(...ls).map((v) => v * factor) };
}

/**
 * Everything e3nn's state of a product holds but its own weights: the mask and the tables of its compiled code. What e3nn compiles
 * depends on its settings, not on the product: tables of code that is not specialised or that leaves x open (`compile_right`) are known.
 */
export function productArrays(product: ProductLike): NamedArrays {
  const left = "_compiled_main_left_right.";
  const written = new Map<string, DerivedArray>();
  const known = new Map<string, DerivedArray>();
  for (const { iIn1, iIn2, iOut, connectionMode, hasWeight, pathShape } of product.instructions) {
    const [a, b, c] = [
      product.irrepsIn1.entries[iIn1],
      product.irrepsIn2.entries[iIn2],
      product.irrepsOut.entries[iOut],
    ];
    if (pathShape.includes(0) || [a, b, c].some(({ dim }) => dim === 0)) continue;
    const ls = [a.ir.l, b.ir.l, c.ir.l] as const;
    const name = `_w3j_${ls.join("_")}`;
    const table = couplingArray(ls);
    known.set(left + name, { ...table, written: false });
    known.set(`_compiled_main_right.${name}`, { ...table, written: false });
    if (!isSpecialised(connectionMode, hasWeight, ls)) written.set(left + name, table);
    if (connectionMode.includes("<")) written.set(`${left}_triu_indices_${a.mul}`, upperIndices(a.mul));
  }
  return [
    ...absent({ weight: product.weight }),
    ...maskArray(product.outputMask),
    ...written,
    ...[...known].filter(([name]) => !written.has(name)),
  ];
}

/** Whether e3nn's code for a path does without the 3j tensor (e3nn: o3/_tensor_product/_codegen.py). */
function isSpecialised(mode: ConnectionMode, hasWeight: boolean, ls: readonly number[]): boolean {
  const scalar = ls.includes(0);
  if (mode === "uuu") return scalar || ls.every((l) => l === 1);
  if (mode === "uvw" || mode === "uvv") return scalar;
  return (mode === "uvu" || mode === "uuw") && hasWeight && scalar;
}

/** Pairs u < v of copies: [2, mul (mul - 1) / 2], all u, then all v. */
function upperIndices(mul: number): DerivedArray {
  const shape: Shape = [2, (mul * (mul - 1)) / 2];
  const values = (): Int32Array => {
    const pairs = Array.from({ length: mul }, (_, u) =>
      Array.from({ length: mul - 1 - u }, (_, k) => [u, u + 1 + k]),
    ).flat();
    return Int32Array.from([...pairs.map(([u]) => u), ...pairs.map(([, v]) => v)]);
  };
  return { shape, values };
}
