import { writeFilesAtomicSync } from "../../data/atomic-write.js";
import type { DeepmdLabel } from "../../data/deepmd-system.js";
import { determinant } from "../../geometry/matrix3.js";
import type { Comparison } from "./test-errors.js";

type FileName = "e" | "e_peratom" | "f" | "v" | "v_peratom" | "s";

const axes = ["x", "y", "z"];
const forceNames = axes.map((a) => `f${a}`);
const virialNames = axes.flatMap((a) => axes.map((b) => `v${a}${b}`));

const columns: Readonly<Record<FileName, readonly string[]>> = {
  e: ["e"],
  e_peratom: ["e"],
  f: forceNames,
  v: virialNames,
  v_peratom: virialNames,
  s: axes.flatMap((a) => axes.map((b) => `s${a}${b}`)),
};

/**
 * The detail files of `test -d PREFIX`: label and prediction of every value, as numpy's savetxt writes them. The header
 * names the first system; later systems follow without one. A label that is missing stands as 0, as in DeePMD-kit, but
 * files of virials and stresses (-virial / volume, eV/angstrom^3) hold only systems with virial labels.
 */
export class DetailFiles {
  private readonly texts = new Map<FileName, string[]>();

  constructor(private readonly prefix: string) {}

  add(name: string, { system, frames, prediction }: Comparison): void {
    const { atomCount: atoms, cells, labels } = system;
    this.addRows("e", name, labels.energy, prediction.energy, 1, frames);
    this.addRows("e_peratom", name, labels.energy, prediction.energy, atoms, frames);
    this.addRows("f", name, labels.force, prediction.force, 1, frames * atoms);
    if (cells === null || labels.virial === undefined) return;
    this.addRows("v", name, labels.virial, prediction.virial, 1, frames);
    this.addRows("v_peratom", name, labels.virial, prediction.virial, atoms, frames);
    const volumes = Array.from({ length: frames }, (_, f) =>
      Math.abs(determinant(cells.subarray(f * 9, f * 9 + 9))),
    );
    const stressDivisor = (frame: number): number => -volumes[frame];
    this.addRows("s", `${name} (eV/Å³)`, labels.virial, prediction.virial, stressDivisor, frames);
  }

  /** Writes all files, or none. */
  write(): void {
    writeFilesAtomicSync(
      [...this.texts].map(([file, rows]) => ({
        path: `${this.prefix}.${file}.out`,
        content: `${rows.join("\n")}\n`,
      })),
    );
  }

  private addRows(
    file: FileName,
    system: string,
    label: DeepmdLabel | undefined,
    predicted: Float64Array,
    divisor: number | ((row: number) => number),
    count: number,
  ): void {
    const names = columns[file];
    let rows = this.texts.get(file);
    if (rows === undefined) {
      const header = [...names.map((name) => `data_${name}`), ...names.map((name) => `pred_${name}`)];
      this.texts.set(file, (rows = [`# ${system}: ${header.join(" ")}`]));
    }
    for (let row = 0; row < count; row++) {
      const cells: string[] = [];
      const by = typeof divisor === "number" ? divisor : divisor(row);
      for (const source of [label?.data, predicted])
        for (let k = 0; k < names.length; k++)
          cells.push(savetxtNumber((source?.[row * names.length + k] ?? 0) / by));
      rows.push(cells.join(" "));
    }
  }
}

const digits = 18;

/** C's %.18e: JavaScript rounds ties away from zero, C to the even digit, and only C shows the sign of -0. */
export function savetxtNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  let text = value.toExponential(digits);
  if (value.toExponential(digits + 1).includes("5e")) text = tieToEven(value, text);
  const padded = text.replace(/e([+-])(\d)$/, "e$10$2");
  return Object.is(value, -0) ? `-${padded}` : padded;
}

function tieToEven(value: number, rounded: string): string {
  const exact = value.toExponential(100);
  const [mantissa, exponent] = exact.split("e");
  const start = mantissa.indexOf(".") + 1 + digits;
  const isTie = /^50*$/.test(mantissa.slice(start));
  const isEven = "02468".includes(mantissa[start - 1]);
  return isTie && isEven ? `${mantissa.slice(0, start)}e${exponent}` : rounded;
}
