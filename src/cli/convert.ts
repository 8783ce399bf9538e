import type { Command } from "commander";
import { basename } from "node:path";
import { hasBareTypes } from "../data/formats/type-names.js";
import { nonFiniteFields, type Structure } from "../data/structure.js";
import { openStructures, writeStructures } from "../data/structures.js";
import { AtomgradError } from "../tensor/error.js";

interface Flags {
  readonly from?: string;
  readonly to?: string;
  readonly frames?: string;
  readonly typeMap?: string;
}

export const convertExample = "atomgrad convert run.traj last.extxyz --frames -1";

/** `atomgrad convert`: structures from one format into another. */
export function addConvertCommand(program: Command): void {
  program
    .command("convert")
    .description("convert structures from one file format into another")
    .argument("<IN>", "a structure file or folder")
    .argument(
      "<OUT>",
      "where to write; its ending tells the format (.extxyz .xyz .vasp .cif .jsonl .data ...)",
    )
    .option("--from <FORMAT>", "format of IN (default: by name and content)")
    .option("--to <FORMAT>", "format of OUT, e.g. deepmd-npy, deepmd-mixed, ocp-lmdb (default: by name)")
    .option(
      "--frames <a:b:c|n>",
      "frames to take, by Python's slice rules; negative numbers count from the end",
    )
    .option(
      "--type-map <ELEMENTS>",
      "elements separated by commas: of types that IN only numbers (LAMMPS), and of DeePMD output",
    )
    .addHelpText(
      "after",
      `\nExamples:\n  ${convertExample}\n  atomgrad convert water.extxyz water --to deepmd-npy --type-map O,H`,
    )
    .action(async (input: string, output: string, flags: Flags) => {
      const typeMap = flags.typeMap?.split(",").map((name) => name.trim());
      const notes = new Set<string>();
      const onNote = (text: string): void => void notes.add(text);
      const { frames } = await naming([input], () =>
        openStructures(input, { format: flags.from, frames: flags.frames, typeMap, onNote }),
      );
      const counted = new Counted(frames, basename(input));
      await naming([input, output], () =>
        writeStructures(output, counted, { format: flags.to, typeMap, onNote }),
      );
      for (const note of notes) console.error(`atomgrad: note: ${note}`);
      if (counted.odd !== null) console.error(`atomgrad: ${counted.odd}`);
      console.log(
        `${counted.frames} ${counted.frames === 1 ? "structure" : "structures"} of ${counted.atoms} atoms in all -> ${output}`,
      );
    });
}

/** Errors of options and writers speak of the format; here they name the last of the files too, where they name none. */
async function naming<T>(paths: readonly string[], run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const { message } = error as Error;
    // The name of a format is no name of a file: "poscar: ..." of a file POSCAR.
    const named = paths.some((path) => message.startsWith(basename(path)));
    if (!(error instanceof AtomgradError) || named) throw error;
    throw new AtomgradError(error.code, `${basename(paths.at(-1)!)}: ${message}`, { cause: error });
  }
}

/** Counts what passes, refuses positions and labels that are not finite, and notes other such fields: a wrong number is easier to find here than in a trained model. */
class Counted implements Iterable<Structure> {
  frames = 0;
  atoms = 0;
  /** What is said of the first frame with types of no element, or with a further field that is not finite. */
  odd: string | null = null;

  constructor(
    private readonly source: Iterable<Structure>,
    private readonly name: string,
  ) {}

  *[Symbol.iterator](): Generator<Structure> {
    this.frames = this.atoms = 0;
    this.odd = null;
    for (const structure of this.source) {
      this.check("positions", structure.positions);
      this.check("cell", structure.cell);
      this.check("energy", structure.energy === null ? null : [structure.energy]);
      this.check("forces", structure.forces);
      this.note(structure);
      this.frames++;
      this.atoms += structure.atomicNumbers.length;
      yield structure;
    }
  }

  private note(structure: Structure): void {
    if (this.odd !== null) return;
    if (hasBareTypes(structure)) {
      this.odd = `note: ${this.name}: knows its types by numbers only; --type-map with an element for each of them, in their order, makes them elements`;
      return;
    }
    const [field] = nonFiniteFields(structure);
    if (field !== undefined)
      this.odd = `note: ${this.name}: frame ${this.frames} (of those taken) holds NaN or infinity in ${JSON.stringify(field.slice(0, 60))}; it is written as it is (as null where JSON is written)`;
  }

  private check(what: string, values: ArrayLike<number> | null): void {
    if (values === null) return;
    for (let k = 0; k < values.length; k++) {
      if (Number.isFinite(values[k])) continue;
      throw new AtomgradError(
        "NUMERIC",
        `${this.name}: frame ${this.frames} (of those taken) has ${values[k]} in its ${what}; leave it out with --frames or mend the file`,
      );
    }
  }
}
