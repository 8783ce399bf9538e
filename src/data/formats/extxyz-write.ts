import { AtomgradError } from "../../tensor/error.js";
import type { Field, Structure } from "../structure.js";
import { formatItem } from "../text/field-text.js";
import { formatReal, shown } from "../text/numbers.js";
import { formatPair } from "./extxyz-comment.js";
import { hasOwnNames, knownName, ownNames, speciesName } from "./species.js";

const letters = { real: "R", integer: "I", boolean: "L", text: "S", json: "S" } as const;

interface WrittenColumn {
  readonly name: string;
  readonly letter: string;
  readonly width: number;
  readonly item: (k: number) => string;
}

/** The text of each frame: everything the structure holds, numbers as the shortest decimals that read back the same. */
export function* formatFrames(structures: Iterable<Structure>): Generator<string> {
  for (const structure of structures) yield formatFrame(structure);
}

export function formatFrame(structure: Structure): string {
  const atoms = structure.atomicNumbers.length;
  const columns = columnsOf(structure);
  const out = [String(atoms), comment(structure, columns)];
  for (let atom = 0; atom < atoms; atom++) {
    let line = "";
    for (const { width, item } of columns)
      for (let k = 0; k < width; k++) line += (line === "" ? "" : " ") + item(atom * width + k);
    out.push(line);
  }
  return `${out.join("\n")}\n`;
}

function columnsOf(structure: Structure): WrittenColumn[] {
  const { positions, forces, forcesKey, tags, fixed, arrays } = structure;
  const reals = (name: string, data: Float64Array): WrittenColumn => ({
    name,
    letter: "R",
    width: 3,
    item: (k) => formatReal(data[k]),
  });
  const whole = (name: string, data: Int32Array | Uint8Array): WrittenColumn => ({
    name,
    letter: "I",
    width: 1,
    item: (k) => String(data[k]),
  });
  const names = (name: string, of: typeof knownName): WrittenColumn => ({
    name,
    letter: "S",
    width: 1,
    item: (k) => word(of(structure, k), "species"),
  });
  const columns = [names("species", knownName), reals("pos", positions)];
  if (hasOwnNames(structure)) columns.push(names(ownNames, speciesName));
  if (forces !== null && forcesKey === null) columns.push(reals("forces", forces));
  if (tags !== null) columns.push(whole("tags", tags));
  if (fixed !== null) columns.push(whole("fixed", fixed));
  for (const [name, field] of arrays) {
    const column = fieldColumn(name, field);
    const taken = columns.some((other) => other.name === column.name);
    columns.push(taken ? { ...column, name: `${column.name}_` } : column);
  }
  return columns;
}

function fieldColumn(name: string, field: Field): WrittenColumn {
  const width = field.shape.slice(1).reduce((product, size) => product * size, 1);
  const item = (k: number): string => word(formatItem(field, k), name);
  return { name: columnName(name), letter: letters[field.kind], width, item };
}

/** Column names are separated by colons and stand inside a quoted value. */
function columnName(name: string): string {
  return name.replace(/[:\s"'=\\{}[\]]/g, "_") || "unnamed";
}

/** Texts in columns are separated by blanks, so they cannot hold any. */
function word(text: string, name: string): string {
  if (text !== "" && !/\s/.test(text)) return text;
  throw new AtomgradError(
    "VALUE",
    `extxyz: the field ${shown(name)} holds the text ${shown(text)}, which cannot stand in a column; write jsonl instead`,
  );
}

function comment(structure: Structure, columns: readonly WrittenColumn[]): string {
  const { cell, pbc, energy, energyKey, virial, stress, info } = structure;
  const parts: string[] = [];
  const matrix = (name: string, data: Float64Array): string =>
    `${name}="${Array.from(data, formatReal).join(" ")}"`;
  if (cell !== null) parts.push(matrix("Lattice", cell));
  const drawn = columns.filter(({ width }) => width > 0);
  parts.push(`Properties=${drawn.map(({ name, letter, width }) => `${name}:${letter}:${width}`).join(":")}`);
  if (energy !== null && energyKey === null) parts.push(`energy=${formatReal(energy)}`);
  if (virial !== null) parts.push(matrix("virial", virial));
  if (stress !== null) parts.push(matrix("stress", stress));
  for (const [name, field] of info) {
    const taken =
      name === "Properties" || name === "pbc" || parts.some((part) => part.startsWith(`${name}=`));
    parts.push(formatPair(name === "" ? "unnamed" : taken ? `${name}_` : name, field));
  }
  parts.push(`pbc="${pbc.map((flag) => (flag ? "T" : "F")).join(" ")}"`);
  return parts.join(" ");
}
