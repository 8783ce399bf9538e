import type { Field, Structure } from "../structure.js";
import { fieldToJson, formatItem } from "../text/field-text.js";
import { formatReal } from "../text/numbers.js";
import { writeTextPieces } from "../text/write-text.js";
import { formatCif } from "./cif.js";

/** Whether a column holds the structures. */
export function isCifColumn(name: string): boolean {
  return name.trim().toLowerCase() === "cif";
}

/**
 * Writes a row for each structure: its energy and fields per frame as columns by their names, a CIF text (P1, at full
 * precision) in the column `cif`. Columns stand in the order of the table the structures come from, if they do.
 */
export function writeCsv(path: string, structures: Iterable<Structure>): void {
  const all = [...structures];
  writeTextPieces(path, formatRows(all, columnsOf(all)));
}

function columnsOf(structures: readonly Structure[]): readonly string[] {
  const names = new Set<string>();
  for (const { keys, info, energy, energyKey } of structures) {
    for (const key of keys) if (isCifColumn(key) || info.has(key)) names.add(key);
    for (const key of info.keys()) names.add(key);
    if (energy !== null && energyKey === null) names.add("energy");
  }
  const columns = [...names];
  return columns.some(isCifColumn) ? columns : [...columns, "cif"];
}

function* formatRows(structures: readonly Structure[], columns: readonly string[]): Generator<string> {
  yield `${columns.map(quoted).join(",")}\n`;
  for (const [k, structure] of structures.entries()) {
    const { info, energy, energyKey } = structure;
    const cells = columns.map((name) => {
      if (isCifColumn(name)) return formatCif(structure, `structure_${k}`);
      const field = info.get(name);
      if (field !== undefined) return fieldText(field);
      return name === "energy" && energy !== null && energyKey === null ? formatReal(energy) : "";
    });
    yield `${cells.map(quoted).join(",")}\n`;
  }
}

function fieldText(field: Field): string {
  return field.shape.length === 0 ? formatItem(field, 0) : fieldToJson(field);
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
