import type { SelectedNeighbors } from "../../geometry/select-neighbors.js";
import type { DescriptorSettings } from "./descriptor-settings.js";
import type { FrameList, Frames } from "./frames.js";
import { neighboursOfFrame } from "./neighbours.js";

/** Some atoms of a frame as centres; their neighbours are numbered through the whole frame. */
export interface CentreBlock {
  readonly first: number;
  readonly end: number;
  /** The centres as a frame of their own. */
  readonly frames: Frames;
  readonly chosen: SelectedNeighbors;
  /** [N] types of all atoms of the frame. */
  readonly wholeTypes: Int32Array;
}

/** Centres of one block: what a step needs grows with them (100 MB and more for a wide network in f64). */
const centresPerBlock = 256;

/** Whether a frame is computed in blocks of centres. */
export function isLarge(atoms: number): boolean {
  return atoms > 2 * centresPerBlock;
}

/** A frame in blocks of centres: its neighbours are searched at once, everything else is done block by block. */
export function* centreBlocks(settings: DescriptorSettings, frame: FrameList): Generator<CentreBlock> {
  const all = neighboursOfFrame(settings, frame, 0);
  for (let first = 0; first < frame.atoms; first += centresPerBlock) {
    const end = Math.min(frame.atoms, first + centresPerBlock);
    const frames = frame.centres(first, end);
    yield { first, end, frames, chosen: part(all, first, end), wholeTypes: frame.types };
  }
}

/** The neighbours of centres `first` to `end`, numbered from 0. */
function part(all: SelectedNeighbors, first: number, end: number): SelectedNeighbors {
  const { slots } = all;
  const [from, to] = [all.ptr[first], all.ptr[end]];
  const types = slots === undefined ? 0 : slots.length / (all.ptr.length - 1);
  return {
    ...all,
    ptr: all.ptr.subarray(first, end + 1).map((e) => e - from),
    neighbour: all.neighbour.subarray(from, to),
    centre: all.centre.subarray(from, to).map((i) => i - first),
    vector: all.vector.subarray(3 * from, 3 * to),
    excluded: all.excluded.subarray(first, end),
    slots: slots?.subarray(first * types, end * types),
  };
}

/** Adds what edges pull at their atoms: forces [N, 3], virial [9] and virials of atoms [N, 9] (spec 2.10). */
export function pull(
  { first, chosen: { centre, neighbour } }: CentreBlock,
  slope: Float64Array,
  edge: Float64Array,
  onto: { force: Float64Array; virial: Float64Array; atomVirial: Float64Array | undefined },
): void {
  const { force, virial, atomVirial } = onto;
  for (let e = 0; e < centre.length; e++) {
    const [i, j] = [first + centre[e], neighbour[e]];
    for (let a = 0; a < 3; a++) {
      const s = slope[3 * e + a];
      force[3 * i + a] += s;
      force[3 * j + a] -= s;
      for (let b = 0; b < 3; b++) {
        const v = s * edge[3 * e + b];
        virial[3 * a + b] -= v;
        if (atomVirial !== undefined) atomVirial[9 * j + 3 * a + b] -= v;
      }
    }
  }
}
