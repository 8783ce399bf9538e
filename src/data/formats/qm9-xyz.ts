import {
  integerField,
  makeStructure,
  realField,
  textField,
  type Field,
  type Structure,
} from "../structure.js";
import type { Lines } from "../text/lines.js";
import { withLines } from "../text/lines.js";
import { parseInteger, parseReal, shown, wordsOf } from "../text/numbers.js";
import type { StructureFormat } from "./format.js";
import { readSpecies } from "./species.js";
import { sampleText } from "./sample-text.js";

/**
 * The files of the QM9 archive (`dsgdb9nsd_000001.xyz` ...), one or many in a row: number of atoms, `gdb` with index and
 * 15 properties, atoms with Mulliken charges, frequencies, SMILES, InChI. Numbers may be written `1.6*^-6`.
 */
export const qm9Xyz: StructureFormat = {
  name: "qm9-xyz",
  extensions: [".xyz"],
  sniff: ({ text }) => /^\uFEFF?\s*\d{1,15}[ \t]*\r?\ngdb[ \t]+\d+[ \t]/.test(text),
  read: (path) => withLines(path, readMolecules),
  sample: (path, count) => sampleText(path, count, { startsFrame, read: readMolecules }),
};

/** GHz, Debye, Bohr^3, Hartree, Bohr^2, cal/(mol K); in the order of the file. */
const properties = [
  "A",
  "B",
  "C",
  "mu",
  "alpha",
  "homo",
  "lumo",
  "gap",
  "r2",
  "zpve",
  "U0",
  "U",
  "H",
  "G",
  "Cv",
];
const keys = ["species", "pos", "mulliken", "index", ...properties, "frequencies", "smiles", "inchi"];

function startsFrame(line: string, next: string): boolean {
  return /^\d{1,15}$/.test(line) && next.startsWith("gdb");
}

function* readMolecules(lines: Lines): Generator<Structure> {
  for (let head = lines.nextFilled(); head !== null; head = lines.nextFilled()) {
    const atoms = parseInteger(head.trim());
    if (atoms === null || atoms < 1 || 8 * atoms > lines.size)
      throw lines.error(
        `${shown(head.trim())} stands where a number of atoms (that the file can hold) is expected`,
      );
    const info = readProperties(lines);
    const positions = new Float64Array(3 * atoms);
    const charges = new Float64Array(atoms);
    const names: string[] = [];
    for (let atom = 0; atom < atoms; atom++) {
      const words = wordsOf(lines.need(`atom ${atom + 1} of ${atoms}`));
      const values = words.slice(1, 5).map(parseReal);
      if (values.length !== 4 || values.includes(null))
        throw lines.error(`${shown(words.join(" "))} is no atom: element x y z charge are needed`);
      names.push(words[0]);
      positions.set(values.slice(0, 3) as number[], 3 * atom);
      charges[atom] = values[3]!;
    }
    const species = readSpecies(names);
    if (typeof species === "number") throw lines.error(`${shown(names[species])} is no element`);
    readTail(lines, info);
    const mulliken: Field = { kind: "real", shape: [atoms], data: charges };
    yield makeStructure({
      atomicNumbers: species.atomicNumbers,
      species: species.names,
      positions,
      arrays: new Map([["mulliken", mulliken]]),
      info,
      keys,
    });
  }
}

function readProperties(lines: Lines): Map<string, Field> {
  const words = wordsOf(lines.need("the properties of a molecule"));
  const values = words.slice(2).map(parseReal);
  const index = parseInteger(words[1] ?? "");
  if (words[0] !== "gdb" || index === null || values.length !== properties.length || values.includes(null))
    throw lines.error(
      `"gdb", an index and ${properties.length} properties are expected, found ${shown(words.join(" "))}`,
    );
  const info = new Map<string, Field>([["index", integerField(index)]]);
  properties.forEach((name, k) => info.set(name, realField(values[k]!)));
  return info;
}

function readTail(lines: Lines, info: Map<string, Field>): void {
  const frequencies = wordsOf(lines.need("the frequencies")).map(parseReal);
  if (frequencies.includes(null)) throw lines.error("frequencies are expected, numbers only");
  info.set("frequencies", {
    kind: "real",
    shape: [frequencies.length],
    data: Float64Array.from(frequencies as number[]),
  });
  for (const name of ["smiles", "inchi"]) {
    const words = wordsOf(lines.need(`the ${name} line`));
    if (words.length > 0) info.set(name, textField(words[0]));
  }
}
