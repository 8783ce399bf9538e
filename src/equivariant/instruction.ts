import { AtomgradError } from "../tensor/error.js";
import { assertNumber, assertOneOf, isList, kindOf } from "../tensor/arguments.js";
import type { Irreps, MulIr } from "./irreps.js";

/** How copies of the two inputs are connected to copies of the output (spec equivariant 4.1). */
export const connectionModes = ["uvw", "uvu", "uvv", "uuw", "uuu", "uvuv", "uvu<v", "u<vw"] as const;
export type ConnectionMode = (typeof connectionModes)[number];

/** As users write it: entries of input 1, input 2, output, the mode, whether it has weights, and a factor under the root. */
export type InstructionLike = readonly [
  iIn1: number,
  iIn2: number,
  iOut: number,
  mode: ConnectionMode,
  hasWeight: boolean,
  pathWeight?: number,
];

/** One path of a tensor product as e3nn stores it: `pathWeight` is the final factor of the path. */
export interface Instruction {
  readonly iIn1: number;
  readonly iIn2: number;
  readonly iOut: number;
  readonly connectionMode: ConnectionMode;
  readonly hasWeight: boolean;
  readonly pathWeight: number;
  readonly pathShape: readonly number[];
}

export interface NormalizationOptions {
  /** Variances expected of the entries of each input and wanted of the output; default 1. */
  in1Var?: readonly number[];
  in2Var?: readonly number[];
  outVar?: readonly number[];
  irrepNormalization?: "component" | "norm" | "none";
  pathNormalization?: "element" | "path" | "none";
}

interface Checked extends Instruction {
  readonly entries: readonly [MulIr, MulIr, MulIr];
  readonly elements: number;
}

/** Instructions with shapes and final factors. Errors: VALUE naming the instruction and what does not fit. */
export function resolveInstructions(
  irreps: readonly [Irreps, Irreps, Irreps],
  instructions: readonly InstructionLike[],
  options: NormalizationOptions,
): Instruction[] {
  const { irrepNormalization = "component", pathNormalization = "element" } = options;
  assertOneOf("irrepNormalization", irrepNormalization, ["component", "norm", "none"]);
  assertOneOf("pathNormalization", pathNormalization, ["element", "path", "none"]);
  const [in1Var, in2Var, outVar] = [options.in1Var, options.in2Var, options.outVar].map((given, k) =>
    variances(["in1Var", "in2Var", "outVar"][k], given, irreps[k]),
  );
  const checked = instructions.map((like, n) => check(irreps, like, n));
  const inputs = (i: Checked): number => in1Var[i.iIn1] * in2Var[i.iIn2] * i.elements;
  return checked.map((instruction, n) => {
    const [a, b, c] = instruction.entries.map((e) => e.ir.dim);
    const same = checked.filter((other) => other.iOut === instruction.iOut);
    const total =
      pathNormalization === "element"
        ? same.reduce((sum, i) => sum + inputs(i), 0)
        : pathNormalization === "path"
          ? inputs(checked[n]) * same.length
          : 1;
    let square: number = { component: c, norm: a * b, none: 1 }[irrepNormalization];
    if (total > 0) square /= total;
    square *= outVar[instruction.iOut];
    square *= instruction.pathWeight;
    if (!(square >= 0 && Number.isFinite(square)))
      throw new AtomgradError(
        "VALUE",
        `instructions[${n}]: its factor is the root of ${square}; weights must be >= 0`,
      );
    const { iIn1, iIn2, iOut, connectionMode, hasWeight, pathShape } = instruction;
    return { iIn1, iIn2, iOut, connectionMode, hasWeight, pathWeight: Math.sqrt(square), pathShape };
  });
}

function check(irreps: readonly [Irreps, Irreps, Irreps], like: InstructionLike, n: number): Checked {
  if (!isList(like) || like.length < 5)
    throw new AtomgradError(
      "VALUE",
      `instructions[${n}] must be [entry of irrepsIn1, entry of irrepsIn2, entry of irrepsOut, mode, hasWeight, pathWeight?], got ${kindOf(like)}`,
    );
  const [iIn1, iIn2, iOut, connectionMode, hasWeight, pathWeight = 1] = like;
  const entries = [iIn1, iIn2, iOut].map((index, k) => {
    const entry = irreps[k].entries[index] as MulIr | undefined;
    if (entry === undefined)
      throw wrong(n, `entry ${index} of ${["irrepsIn1", "irrepsIn2", "irrepsOut"][k]} does not exist`);
    return entry;
  }) as [MulIr, MulIr, MulIr];
  const [a, b, c] = entries;
  if (!connectionModes.includes(connectionMode))
    throw wrong(n, `mode "${String(connectionMode)}" is not one of ${connectionModes.join(", ")}`);
  if (!a.ir.times(b.ir).some((ir) => ir.equals(c.ir)))
    throw wrong(n, `${a.ir.toString()} x ${b.ir.toString()} has no ${c.ir.toString()}`);
  const sentence = misfit(connectionMode, hasWeight, a.mul, b.mul, c.mul);
  if (sentence !== undefined)
    throw wrong(n, `mode ${connectionMode} ${sentence}, got ${[a, b, c].map((e) => e.mul).join(", ")}`);
  const { shape, elements } = measure(connectionMode, a.mul, b.mul, c.mul);
  return { iIn1, iIn2, iOut, connectionMode, hasWeight, pathWeight, pathShape: shape, entries, elements };
}

function misfit(
  mode: ConnectionMode,
  weighted: boolean,
  a: number,
  b: number,
  c: number,
): string | undefined {
  const wanted: Record<ConnectionMode, [boolean, string]> = {
    uvw: [weighted, "needs weights"],
    uvu: [a === c, "needs mul_in1 = mul_out"],
    uvv: [b === c, "needs mul_in2 = mul_out"],
    uuw: [a === b && (weighted || c === 1), "needs mul_in1 = mul_in2, and weights unless mul_out is 1"],
    uuu: [a === b && b === c, "needs equal multiplicities"],
    uvuv: [a * b === c, "needs mul_out = mul_in1 mul_in2"],
    "uvu<v": [a === b && (a * (a - 1)) / 2 === c, "needs mul_in1 = mul_in2 and mul_out = mul (mul - 1) / 2"],
    "u<vw": [a === b && weighted, "needs mul_in1 = mul_in2 and weights"],
  };
  const [fits, sentence] = wanted[mode];
  return fits ? undefined : sentence;
}

function measure(
  mode: ConnectionMode,
  a: number,
  b: number,
  c: number,
): { shape: number[]; elements: number } {
  const upper = Math.floor((a * (b - 1)) / 2);
  switch (mode) {
    case "uvw":
      return { shape: [a, b, c], elements: a * b };
    case "uvu":
      return { shape: [a, b], elements: b };
    case "uvv":
      return { shape: [a, b], elements: a };
    case "uuw":
      return { shape: [a, c], elements: a };
    case "uuu":
      return { shape: [a], elements: 1 };
    case "uvuv":
      return { shape: [a, b], elements: 1 };
    case "uvu<v":
      return { shape: [upper], elements: 1 };
    case "u<vw":
      return { shape: [upper, c], elements: upper };
  }
}

function variances(name: string, given: readonly number[] | undefined, irreps: Irreps): readonly number[] {
  if (given === undefined) return new Array<number>(irreps.length).fill(1);
  if (!isList(given))
    throw new AtomgradError("VALUE", `${name} must be a list of numbers, one an entry, got ${kindOf(given)}`);
  if (given.length !== irreps.length)
    throw new AtomgradError("VALUE", `${name} has ${given.length} numbers for ${irreps.length} entries`);
  given.forEach((x, k) => assertNumber(`${name}[${k}]`, x));
  return given;
}

function wrong(n: number, what: string): AtomgradError {
  return new AtomgradError("VALUE", `instructions[${n}]: ${what}`);
}
