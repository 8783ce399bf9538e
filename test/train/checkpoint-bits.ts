import { readFileSync } from "node:fs";
import { readSafetensors } from "../../src/data/safetensors.js";

/** Weights and optimiser state of a checkpoint as text, bit for bit: equal for equal states only. */
export function bitsOf(path: string): Record<string, string> {
  return Object.fromEntries(
    [...readSafetensors(path).tensors].map(([name, { bytes }]) => [name, Buffer.from(bytes).toString("hex")]),
  );
}

/** The rows of an lcurve.out up to a step, without its comments. */
export function curveRows(path: string, steps = Infinity): string[] {
  const isRow = (line: string): boolean => line !== "" && !line.startsWith("#");
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => isRow(line) && Number(line.slice(0, 8)) <= steps);
}
