import { isList, wrongArgument } from "../tensor/arguments.js";
import type { Instruction } from "./instruction.js";
import type { LinearInstruction } from "./linear-paths.js";

/** A float as Python prints it. */
export function pythonFloat(x: number): string {
  const text = String(x);
  if (/^-?\d+$/.test(text)) return Math.abs(x) < 1e16 ? `${text}.0` : x.toExponential();
  const found = /^(-?)0\.0000(0*)(\d+)$/.exec(text);
  const small = found !== null ? x.toExponential() : text;
  return small.replace(/e([+-])(\d)$/, "e$10$2");
}

/** Instructions of a tensor product or of a `Linear` as Python prints e3nn's. */
export function showInstructions(instructions: readonly (Instruction | LinearInstruction)[]): string {
  if (
    !isList(instructions) ||
    !instructions.every((i) => isList((i as Partial<Instruction> | undefined)?.pathShape))
  )
    throw wrongArgument("showInstructions: instructions", "the instructions of a module", instructions);
  return `[${instructions.map(showOne).join(", ")}]`;
}

function showOne(i: Instruction | LinearInstruction): string {
  const shape = i.pathShape.length === 1 ? `(${i.pathShape[0]},)` : `(${i.pathShape.join(", ")})`;
  const weight = pythonFloat(i.pathWeight);
  if (!("connectionMode" in i))
    return `Instruction(i_in=${i.iIn}, i_out=${i.iOut}, path_shape=${shape}, path_weight=${weight})`;
  return `Instruction(i_in1=${i.iIn1}, i_in2=${i.iIn2}, i_out=${i.iOut}, connection_mode='${i.connectionMode}', has_weight=${i.hasWeight ? "True" : "False"}, path_weight=${weight}, path_shape=${shape})`;
}
