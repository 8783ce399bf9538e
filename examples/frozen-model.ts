/*
 * A trained model at work on frames without labels: energies, forces and virials in blocks of ten frames, saved beside
 * coord.npy so that the folder becomes a labelled system, which is read back; and descriptors of the first frame.
 *
 *     npm run example:frozen [-- MODEL SYSTEM OUTPUT]
 *
 * MODEL: any model file (.safetensors, .dp, .yaml, .pth, .pb); SYSTEM: a DeePMD folder, labels are not needed; OUTPUT: a
 * folder for the labelled copy (default build/labelled). Without arguments: liquid water, see examples/data/water.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  DeepPot,
  type DeepmdSystem,
  type EvalResult,
  readDeepmdSystem,
  writeDeepmdSystem,
  writeNpySync,
} from "../src/index.js";

const framesPerBlock = 10;

/** Numbers per frame of what is saved, for N atoms. */
const widths = { energy: () => 1, force: (atoms: number) => 3 * atoms, virial: () => 9 } as const;
type Label = keyof typeof widths;
type Labels = Record<Label, Float64Array>;

/** What a model says of frames `first` to `end` of a system. */
function evalFrames(pot: DeepPot, system: DeepmdSystem, first: number, end: number): Promise<EvalResult> {
  const { atomCount: atoms, cells, labels, mixed, positions, types } = system;
  const parameters = (name: "fparam" | "aparam"): Float64Array | undefined => {
    const given = labels[name];
    return given?.data.subarray(first * given.width, end * given.width);
  };
  return pot.eval(
    positions.subarray(first * atoms * 3, end * atoms * 3),
    cells && cells.subarray(first * 9, end * 9),
    mixed ? types.subarray(first * atoms, end * atoms) : types,
    { frames: end - first, fparam: parameters("fparam"), aparam: parameters("aparam") },
  );
}

/** Energies, forces and virials of all frames, block by block. */
async function evalInBlocks(
  pot: DeepPot,
  system: DeepmdSystem,
  print: (line: string) => void,
): Promise<Labels> {
  const { atomCount: atoms, frameCount: frames } = system;
  const found: Labels = {
    energy: new Float64Array(frames),
    force: new Float64Array(frames * 3 * atoms),
    virial: new Float64Array(frames * 9),
  };
  for (let first = 0; first < frames; first += framesPerBlock) {
    const end = Math.min(frames, first + framesPerBlock);
    const block = await evalFrames(pot, system, first, end);
    for (const name of ["energy", "force", "virial"] as const)
      found[name].set(block[name], first * widths[name](atoms));
    print(`frames ${first} to ${end - 1}: energy of the first ${block.energy[0].toFixed(6)} eV`);
  }
  return found;
}

/** Puts energy.npy, force.npy, virial.npy beside the coord.npy of every set. */
function saveLabels(folder: string, { atomCount: atoms, setSizes }: DeepmdSystem, labels: Labels): void {
  let first = 0;
  setSizes.forEach((size, k) => {
    for (const name of ["energy", "force", "virial"] as const) {
      const width = widths[name](atoms);
      const data = labels[name].subarray(first * width, (first + size) * width);
      const file = join(folder, `set.${String(k).padStart(3, "0")}`, `${name}.npy`);
      writeNpySync(file, { shape: [size, width], data });
    }
    first += size;
  });
}

/** Labels a copy of a system with what a model says of it, and reads that back. */
export async function labelSystem(
  model: string,
  folder: string,
  output: string,
  print: (line: string) => void,
): Promise<DeepmdSystem> {
  const pot = await DeepPot.load(model);
  const system = readDeepmdSystem(folder, { typeMap: pot.typeMap, ...pot.parameterCounts });
  const { atomCount: atoms, cells, frameCount: frames, mixed, positions, types } = system;
  print(`${folder}: ${frames} frames of ${atoms} atoms (${pot.typeMap.join(", ")})`);
  writeDeepmdSystem(output, system);
  saveLabels(output, system, await evalInBlocks(pot, system, print));

  const labelled = readDeepmdSystem(output, { typeMap: pot.typeMap, ...pot.parameterCounts });
  print(`${output}: ${labelled.frameCount} frames labelled with ${Object.keys(labelled.labels).join(", ")}`);

  const descriptor = await pot.evalDescriptor(
    positions.subarray(0, 3 * atoms),
    cells && cells.subarray(0, 9),
    mixed ? types.subarray(0, atoms) : types,
    { frames: 1 },
  );
  const shape = [1, atoms, pot.descriptorWidth];
  writeNpySync(join(output, "descriptor.npy"), { shape, data: descriptor });
  print(`descriptor of the first frame: [${shape.join(", ")}]`);
  pot.dispose();
  return labelled;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const water = "examples/data/water";
  const [model = `${water}/model.safetensors`, system = `${water}/frames`, output] = process.argv.slice(2);
  if (output === undefined) rmSync("build/labelled", { recursive: true, force: true });
  await labelSystem(model, system, output ?? "build/labelled", console.log);
}
