import fc from "fast-check";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { parseDeepmdInput, type DeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { evalSystem } from "../../src/models/deepmd/eval-system.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { DataSet } from "../../src/train/deepmd/load-data.js";
import { freshWeights } from "../../src/train/deepmd/prepare-model.js";
import { tinyInput } from "../cli/tiny-training.js";
import { changedTree, folderInput, type Tree } from "./folder-changes.js";
import { folderSeeds, type FolderSeed } from "./folder-seeds.js";

/** What became of the data sets. */
export interface FolderCounts {
  readonly inputs: number;
  /** Read, and a model fitted to and evaluated on their first batch. */
  readonly used: number;
  readonly refused: number;
  /** Longest processor time of one, ms. */
  readonly slowest_ms: number;
  readonly seeds: readonly string[];
}

/** A few hundred atoms in a tenth of their cell have tens of thousands of neighbours each. */
const longestMs = 10_000;
const typeMap = ["O", "H", "Nb", "Mo", "Ta", "W", "C", "N", "Pt", "Cu", "Si", "Na", "Cl"];

/**
 * Changes real data sets of DeePMD-kit (files, headers, shapes, numbers, types, boundaries) at random, reads them as a training
 * does, takes a model's statistics over them and evaluates it on the first batch. Each ends in finite numbers or in one short
 * AtomgradError that names a file of the set and says what to do, within ten seconds. Throws at the first that does not,
 * shrunk, with its changes.
 */
export async function fuzzFolders(
  seed: number,
  inputs: number,
  folder: string,
  onInput?: () => void,
): Promise<FolderCounts> {
  openCpu();
  const seeds = folderSeeds();
  const counts = { used: 0, refused: 0 };
  let slowest = 0;
  for (const one of seeds) {
    write(folder, new Map(one.files));
    await use(folder, one, 0);
  }
  const property = fc.asyncProperty(folderInput, async ({ seed: which, use: how, changes }) => {
    const one = seeds[which % seeds.length];
    write(folder, changedTree(one, changes));
    const start = process.cpuUsage();
    const outcome = await tryFolder(folder, one, how);
    if (typeof outcome === "object") throw new Error(`${one.name}: ${outcome.fault}`);
    counts[outcome]++;
    const { user, system } = process.cpuUsage(start);
    slowest = Math.max(slowest, (user + system) / 1e3);
    if (slowest > longestMs) throw new Error(`${one.name}: took ${slowest.toFixed(0)} ms`);
    onInput?.();
    if ((counts.used + counts.refused) % 64 === 0) await setImmediate();
  });
  await fc.assert(property, { seed, numRuns: inputs });
  const names = [...new Set(seeds.map(({ name }) => name))];
  return { inputs, ...counts, slowest_ms: Math.round(slowest), seeds: names };
}

/** What becomes of a data set; a fault is anything but finite numbers or a good refusal. */
export async function tryFolder(
  folder: string,
  one: FolderSeed,
  how: number,
): Promise<"used" | "refused" | { fault: string }> {
  try {
    await use(folder, one, how);
    return "used";
  } catch (error) {
    const fault = faultOf(error, one);
    return fault === null ? "refused" : { fault };
  }
}

export function write(folder: string, tree: Tree): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [path, bytes] of tree) {
    const at = join(folder, path);
    try {
      mkdirSync(dirname(at), { recursive: true });
      if (bytes === null) mkdirSync(at);
      else writeFileSync(at, bytes);
    } catch (error) {
      // A file where another change wants a folder, or the other way round.
      if (!/^E(?:EXIST|NOTDIR|ISDIR)$/.test((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

/** Reads a data set and evaluates a model on its first batch. */
async function use(folder: string, { path, kind }: FolderSeed, how: number): Promise<void> {
  const { model, training } = inputFor(join(folder, path), kind, how);
  const data = await DataSet.open(training.training_data, model, 1, "train");
  const { system, frames } = data.batch(0);
  const pot = DeepPot.of(new EnergyModel(model, freshWeights(model, data, 1)));
  try {
    const { energy, force } = evalSystem(pot, system, { frames: Math.min(frames.length, system.frameCount) });
    for (const values of [energy, force])
      if (!values.every(Number.isFinite)) throw new Error("an energy or a force that is no number");
  } finally {
    pot.dispose();
  }
}

/** An input of a training; `how` chooses batches and the parameters per frame. */
function inputFor(path: string, kind: FolderSeed["kind"], how: number): DeepmdInput {
  const systems = kind === "folder" && how % 2 === 1 ? path : [path];
  const input = tinyInput({
    descriptor: { sel: 12, rcut: 4 },
    fitting: how === 3 ? { numb_fparam: 1 } : {},
    model: { type_map: typeMap },
    training: { training_data: { systems, batch_size: how === 2 ? "auto:4" : 1 } },
  });
  return parseDeepmdInput(JSON.stringify(input), "input.json").input;
}

/** What is wrong with a refusal, if anything. */
function faultOf(error: unknown, { path }: FolderSeed): string | null {
  if (!(error instanceof AtomgradError))
    return `not an AtomgradError: ${error instanceof Error ? error.stack : String(error)}`;
  const { message } = error;
  if (message.length > 1500 || message.split("\n").length > 8)
    return `too long a message: ${message.slice(0, 300)}`;
  if (/undefined|\[object|NaN GiB/.test(message)) return `a careless message: ${message}`;
  if (!message.includes(path)) return `does not name a file of ${path}: ${message}`;
  return message.includes(";") ? null : `does not say what to do: ${message}`;
}
