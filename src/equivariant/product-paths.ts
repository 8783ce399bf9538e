import { AtomgradError } from "../tensor/error.js";
import { isList } from "../tensor/arguments.js";
import type { InstructionLike } from "./instruction.js";
import { type Irrep, type IrrepLike, irrepOf } from "./irrep.js";
import { Irreps, type IrrepsLike, irrepsOf, MulIr } from "./irreps.js";

/** Irreps of an output to keep: a list of irreps, or "0e+1o", whose multiplicities do not matter. */
export type IrFilter = readonly IrrepLike[] | IrrepsLike;

/** The irreps of an output and the paths into it. */
export interface ProductPaths {
  readonly irreps: Irreps;
  readonly instructions: InstructionLike[];
}

/** Both inputs of a product. Errors: VALUE naming the one that is no irreps. */
export function inputsOf(what: string, in1: IrrepsLike, in2: IrrepsLike): [Irreps, Irreps] {
  return [irrepsOf(`${what}: irrepsIn1`, in1), irrepsOf(`${what}: irrepsIn2`, in2)];
}

const mostPairs = 1e7;

/** Refuses lists whose combinations would fill the memory. */
function assertFew(what: string, ...lists: readonly Irreps[]): void {
  const combinations = lists.reduce((n, list) => n * list.length, 1);
  if (combinations > mostPairs)
    throw new AtomgradError(
      "VALUE",
      `${what}: ${lists.map((l) => l.length).join(" x ")} entries have ${combinations} combinations, more than ${mostPairs}; simplify the irreps`,
    );
}

/** Whether an irrep passes the filter; undefined: all do. */
export function keeper(what: string, filter: IrFilter | undefined): (ir: Irrep) => boolean {
  if (filter === undefined) return () => true;
  const name = `${what}: filterIrOut`;
  const kept = isList(filter)
    ? (filter as readonly IrrepLike[]).map((ir, k) => irrepOf(`${name}[${k}]`, ir))
    : irrepsOf(name, filter as IrrepsLike).entries.map((entry) => entry.ir);
  return (ir) => kept.some((k) => k.equals(ir));
}

/** Every triple of entries that the selection rules allow, weighted, all copies with all. */
export function connectedPaths(what: string, a: Irreps, b: Irreps, c: Irreps): InstructionLike[] {
  assertFew(what, a, b, c);
  return a.entries.flatMap((one, i) =>
    b.entries.flatMap((two, j) => {
      const allowed = one.ir.times(two.ir);
      return c.entries.flatMap((three, k): InstructionLike[] =>
        allowed.some((ir) => ir.equals(three.ir)) ? [[i, j, k, "uvw", true, 1]] : [],
      );
    }),
  );
}

/** Every copy with every copy, without weights; the output is sorted stably, not merged. */
export function pairPaths(what: string, a: Irreps, b: Irreps, keep: (ir: Irrep) => boolean): ProductPaths {
  assertFew(what, a, b);
  const out: MulIr[] = [];
  const instructions: InstructionLike[] = [];
  a.entries.forEach((one, i) =>
    b.entries.forEach((two, j) => {
      for (const ir of one.ir.times(two.ir).filter(keep)) {
        instructions.push([i, j, out.length, "uvuv", false]);
        out.push(new MulIr(one.mul * two.mul, ir));
      }
    }),
  );
  return sortedOutput(new Irreps(out), instructions);
}

/** The same paths into the stably sorted output. */
export function sortedOutput(out: Irreps, instructions: readonly InstructionLike[]): ProductPaths {
  const { irreps, p } = out.sort();
  return { irreps, instructions: instructions.map(([i, j, k, ...rest]) => [i, j, p[k], ...rest]) };
}

/** Copy u with copy u, without weights: entries cut until both inputs have the same multiplicities, outputs in their order. */
export function alignedPaths(
  what: string,
  in1: Irreps,
  in2: Irreps,
  keep: (ir: Irrep) => boolean,
): ProductPaths & { readonly in1: Irreps; readonly in2: Irreps } {
  const [a, b] = align(what, in1, in2);
  const out: MulIr[] = [];
  const instructions: InstructionLike[] = [];
  a.forEach((one, i) => {
    for (const ir of one.ir.times(b[i].ir).filter(keep)) {
      instructions.push([i, i, out.length, "uuu", false]);
      out.push(new MulIr(one.mul, ir));
    }
  });
  return { in1: new Irreps(a), in2: new Irreps(b), irreps: new Irreps(out), instructions };
}

function align(what: string, a: Irreps, b: Irreps): [MulIr[], MulIr[]] {
  if (a.numIrreps !== b.numIrreps)
    throw new AtomgradError(
      "VALUE",
      `${what}: irrepsIn1 (${a.toString()}) has ${a.numIrreps} irreps, irrepsIn2 (${b.toString()}) has ${b.numIrreps}; they must be equal`,
    );
  const [one, two]: [MulIr[], MulIr[]] = [[], []];
  let [i, j, usedA, usedB] = [0, 0, 0, 0];
  while (i < a.length && j < b.length) {
    const [x, y] = [a.entries[i], b.entries[j]];
    const mul = Math.min(x.mul - usedA, y.mul - usedB);
    one.push(new MulIr(mul, x.ir));
    two.push(new MulIr(mul, y.ir));
    if ((usedA += mul) === x.mul) [i, usedA] = [i + 1, 0];
    if ((usedB += mul) === y.mul) [j, usedB] = [j + 1, 0];
  }
  return [one, two];
}
