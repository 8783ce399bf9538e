import { basename, join, relative } from "node:path";
import { readDeepmdSystem } from "../../data/deepmd-npy.js";
import { readTypeFiles } from "../../data/deepmd-npy-types.js";
import { writeDeepmdSystem } from "../../data/deepmd-npy-write.js";
import type { DeepmdLabel, DeepmdSystem, LabelName } from "../../data/deepmd-system.js";
import { findDeepmdSystems } from "../../data/deepmd-systems.js";
import { AtomgradError } from "../../tensor/error.js";

/** Where the two parts of a data set were written. */
export interface HoldOut {
  readonly train: string;
  readonly test: string;
  readonly trainFrames: number;
  readonly testFrames: number;
  readonly typeMap: readonly string[];
}

/** Every tenth frame of a system is put aside. */
export const heldOutEvery = 10;

/**
 * Splits all systems below `source`: frames 9, 19, 29, ... of each go to `target`/test, the rest to `target`/train. If no
 * system has ten frames, the last frame of the largest is put aside.
 *
 * @throws AtomgradError VALUE when no system has two frames; errors of the reader and the writer
 */
export function holdOut(source: string, target: string): HoldOut {
  const folders = findDeepmdSystems(source);
  const typeMap = commonTypeMap(folders);
  const systems = folders.map((folder) => readDeepmdSystem(folder, { typeMap }));
  const largest = systems.reduce((a, b) => (b.frameCount > a.frameCount ? b : a));
  if (largest.frameCount < 2)
    throw new AtomgradError(
      "VALUE",
      `${basename(source)}: no system has two frames; some are needed to train and some to test`,
    );
  const none = largest.frameCount < heldOutEvery;
  const parts = { train: 0, test: 0 };
  systems.forEach((system, k) => {
    const isTest = (frame: number): boolean =>
      none
        ? system === largest && frame === system.frameCount - 1
        : frame % heldOutEvery === heldOutEvery - 1;
    const frames = Array.from({ length: system.frameCount }, (_, frame) => frame);
    const path = relative(source, folders[k]) || basename(folders[k]);
    for (const part of ["train", "test"] as const) {
      const own = frames.filter((frame) => isTest(frame) === (part === "test"));
      if (own.length === 0) continue;
      writeDeepmdSystem(join(target, part, path), pickFrames(system, own));
      parts[part] += own.length;
    }
  });
  const [train, test] = [join(target, "train"), join(target, "test")];
  return { train, test, trainFrames: parts.train, testFrames: parts.test, typeMap };
}

/** All names of the systems' type maps in the order in which they appear; T0, T1, ... where there are none. */
function commonTypeMap(folders: readonly string[]): string[] {
  const names = new Set<string>();
  let most = 0;
  for (const folder of folders) {
    const files = readTypeFiles(folder, basename(folder));
    for (const name of files.names ?? []) names.add(name);
    most = files.types.reduce((a, b) => Math.max(a, b + 1), most);
  }
  return names.size > 0 ? [...names] : Array.from({ length: most }, (_, t) => `T${t}`);
}

function pickFrames(system: DeepmdSystem, frames: readonly number[]): DeepmdSystem {
  const { atomCount: atoms, cells, labels, mixed, positions, types } = system;
  const rows = (data: Float64Array, width: number): Float64Array => {
    const out = new Float64Array(frames.length * width);
    frames.forEach((frame, k) => out.set(data.subarray(frame * width, (frame + 1) * width), k * width));
    return out;
  };
  const pickLabel = ({ data, width, found }: DeepmdLabel): DeepmdLabel => ({
    data: rows(data, width),
    width,
    found: Uint8Array.from(frames, (frame) => found[frame]),
  });
  // A set holds a label for all of its frames or for none: what only some frames have is left out.
  const complete = (Object.entries(labels) as [LabelName, DeepmdLabel][]).filter(([, label]) =>
    frames.every((frame) => label.found[frame] === 1),
  );
  return {
    ...system,
    frameCount: frames.length,
    types: mixed
      ? Int32Array.from(frames.flatMap((f) => [...types.subarray(f * atoms, (f + 1) * atoms)]))
      : types,
    positions: rows(positions, 3 * atoms),
    cells: cells === null ? null : rows(cells, 9),
    labels: Object.fromEntries(complete.map(([name, label]) => [name, pickLabel(label)])),
    setSizes: [frames.length],
  };
}
