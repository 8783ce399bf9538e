import { existsSync, readFileSync } from "node:fs";
import { writeFileAtomicSync } from "../../data/atomic-write.js";
import { LineFile } from "../../data/line-file.js";

/** One displayed row: errors on the training batch and, where there is one, on the validation set. */
export interface LcurveRow {
  readonly step: number;
  readonly rate: number;
  readonly training: Readonly<Record<string, number>>;
  readonly validation: Readonly<Record<string, number>> | undefined;
}

/** lcurve.out as DeePMD-kit's PyTorch backend writes it (spec 5.2): readable with numpy's genfromtxt(names=True). */
export class Lcurve {
  private readonly file: LineFile;
  private isBegun = false;

  /**
   * The header comes with the first row, as in DeePMD-kit: a restart that shows no row adds nothing.
   *
   * @param columns quantities in order
   * @param append a restart goes on with the file
   */
  constructor(
    path: string,
    private readonly columns: readonly string[],
    private readonly hasValidation: boolean,
    append: boolean,
  ) {
    this.file = new LineFile(path, append);
  }

  write(row: LcurveRow): void {
    const cells = this.columns.map((name) => {
      const training = scientific(row.training[name], 2).padStart(11);
      if (!this.hasValidation) return `   ${training}`;
      return `   ${scientific(row.validation?.[name] ?? NaN, 2).padStart(11)} ${training}`;
    });
    const header = this.isBegun ? "" : this.header();
    this.isBegun = true;
    this.file.write(
      `${header}${String(row.step).padStart(7)}${cells.join("")}   ${scientific(row.rate, 1).padStart(8)}\n`,
    );
  }

  close(): void {
    this.file.close();
  }

  private header(): string {
    const names = this.columns.map((name) =>
      this.hasValidation
        ? `   ${`${name}_val`.padStart(11)} ${`${name}_trn`.padStart(11)}`
        : `   ${`${name}_trn`.padStart(11)}`,
    );
    return (
      `# ${"step".padEnd(5)}${names.join("")}   ${"lr".padEnd(8)}\n` +
      "# If there is no available reference data, rmse_*_{val,trn} will print nan\n"
    );
  }
}

/** Cuts the rows after `step` from an lcurve file that a killed run wrote beyond its last checkpoint. */
export function cutLcurve(path: string, step: number): void {
  if (!existsSync(path)) return;
  const kept = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("#") || (line !== "" && Number.parseInt(line, 10) <= step));
  writeFileAtomicSync(path, kept.map((line) => `${line}\n`).join(""));
}

/** C's %.{digits}e: a number half-way between two goes to the even one, where JavaScript takes the larger. */
export function scientific(value: number, digits: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const exact = value.toExponential(100);
  const point = exact.indexOf(".");
  const [kept, rest] = [exact.slice(0, point + 1 + digits), exact.slice(point + 1 + digits)];
  const isHalfway = /^50*e/.test(rest) && /[02468]\.?$/.test(kept);
  const text = isHalfway ? kept + rest.slice(rest.indexOf("e")) : value.toExponential(digits);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
