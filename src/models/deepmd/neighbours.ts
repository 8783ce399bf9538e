import type { DeepmdSystem } from "../../data/deepmd-system.js";
import { determinant } from "../../geometry/matrix3.js";
import { type NeighborList, neighborList, neighborListInParts } from "../../geometry/neighbor-list.js";
import {
  type NeighborNumbers,
  neighborNumbers,
  type PairRules,
  type SelectedNeighbors,
  selectNeighbors,
  TypePairSet,
} from "../../geometry/select-neighbors.js";
import { AtomgradError } from "../../tensor/error.js";
import { frameName, type Frames, framesOf, systemFrameName } from "./frames.js";
import type { DescriptorSettings } from "./descriptor-settings.js";
import { switchRadii } from "./settings.js";
import type { EnvironmentRows } from "./statistics.js";

/** Neighbours an atom may have on average, that a frame's list and the weights of a model stay within memory. */
const mostNeighbours = 10_000;
/** Pairs that are counted together. */
const pairsAtOnce = 2 ** 17;
/** angstrom; finds hardly a pair but those on top of each other. */
const shortestCutoff = 1e-3;
/** angstrom; an atom on another's image is this near where positions are float32, whatever is added and taken away. */
const onTop = 1e-4;

/** The neighbours a model sees in frame `f`. Errors: VALUE (types, positions, cells, atoms on top of each other). */
export function neighboursOfFrame(
  settings: DescriptorSettings,
  frames: Frames,
  f: number,
): SelectedNeighbors {
  const { atoms } = frames;
  const positions = frames.positions.subarray(f * atoms * 3, (f + 1) * atoms * 3);
  const cell = frames.cells === null ? null : frames.cells.subarray(f * 9, (f + 1) * 9);
  const types = frames.types.subarray(f * atoms, (f + 1) * atoms);
  const outside = types.findIndex((t) => t >= settings.typeCount);
  if (outside >= 0)
    throw new AtomgradError(
      "VALUE",
      `${frameName(frames, f)}: atom ${outside} has type ${types[outside]}, the model knows types 0 to ${settings.typeCount - 1} (${settings.typeMap.join(" ")}) and -1; correct the types`,
    );
  const name = (): string => frameName(frames, f);
  const list = listOf(name, positions, cell, settings.rcut, true);
  const chosen = selectNeighbors(list, types, settings.sel, pairRules(settings));
  if (chosen.minDistance < onTop) throw onTopOfEachOther(frameName(frames, f), chosen.minDistance);
  return chosen;
}

/** The pairs of a frame; errors of the search (far atoms, odd cells) get to know which frame it is. */
function listOf(
  name: () => string,
  positions: Float64Array,
  cell: Float64Array | null,
  rcut: number,
  inclusive: boolean,
): NeighborList {
  return named(name, () => {
    assertFewNeighbours(positions, cell, rcut);
    return neighborList(positions, cell, cell !== null, rcut, { inclusive });
  });
}

function named<R>(name: () => string, search: () => R): R {
  try {
    return search();
  } catch (error) {
    if (!(error instanceof AtomgradError)) throw error;
    throw new AtomgradError(error.code, `${name()}: ${error.message}`, { cause: error });
  }
}

/** Images of a small cell are without number: a cutoff in the wrong unit would take all memory. Errors: VALUE. */
function assertFewNeighbours(positions: Float64Array, cell: Float64Array | null, rcut: number): void {
  if (cell === null) return;
  const density = positions.length / 3 / Math.abs(determinant(cell));
  const about = density * (4 / 3) * Math.PI * rcut ** 3;
  if (about <= mostNeighbours) return;
  const rounded = Number(about.toPrecision(2)).toLocaleString("en-US");
  throw new AtomgradError(
    "VALUE",
    `within rcut ${rcut} angstrom an atom has about ${rounded} neighbours; at most ${mostNeighbours.toLocaleString("en-US")} are allowed, use a smaller rcut`,
  );
}

function pairRules({ excludeTypes, removedPairs, rules, typeCount }: DescriptorSettings): PairRules {
  const setOf = (list: DescriptorSettings["excludeTypes"], key: string): TypePairSet | undefined => {
    const beyond = list.find((pair) => pair.some((t) => t >= typeCount));
    if (beyond !== undefined)
      throw new AtomgradError(
        "CONFIG",
        `${key}: [${beyond.join(", ")}] names a type beyond the ${typeCount} of type_map`,
      );
    return list.length === 0 ? undefined : new TypePairSet(list, typeCount);
  };
  return {
    excluded: setOf(excludeTypes, "model.descriptor.exclude_types"),
    removed: setOf(removedPairs, "model.pair_exclude_types"),
    eachTypeAlone: rules === "tf",
  };
}

/** Environment rows of one frame without normalisation, for statistics (spec 2.5). */
export function environmentRows(
  settings: DescriptorSettings,
  system: DeepmdSystem,
  frame: number,
): EnvironmentRows {
  const frames = framesOf(system, Int32Array.of(frame));
  const chosen = neighboursOfFrame(settings, frames, 0);
  const { from, to } = switchRadii(settings);
  const rows = new Float64Array(4 * chosen.neighbour.length);
  for (let e = 0; e < chosen.neighbour.length; e++) {
    const [x, y, z] = chosen.vector.subarray(3 * e, 3 * e + 3);
    const r = Math.sqrt(x * x + y * y + z * z);
    const u = Math.min(1, Math.max(0, (r - from) / (to - from)));
    const s = ((1 - u) ** 3 * (1 + 3 * u + 6 * u * u)) / (r + settings.protection);
    const a = s / (r + settings.protection);
    rows.set([s, a * x, a * y, a * z], 4 * e);
  }
  const atomsPerType = new Int32Array(settings.typeCount);
  for (const t of frames.types) if (t >= 0) atomsPerType[t]++;
  return { centreType: Int32Array.from(chosen.centre, (i) => frames.types[i]), rows, atomsPerType };
}

/**
 * The largest numbers of neighbours an atom of a frame has within the cutoff, and the shortest distance; the list is walked
 * through piece by piece, so memory does not grow with it.
 *
 * Errors: VALUE for atoms on top of each other, and a cutoff with more neighbours.
 */
export function largestNeighbourNumbers(
  system: DeepmdSystem,
  frame: number,
  rcut: number,
  typeCount: number,
): NeighborNumbers {
  const { positions, cells: cell, types } = framesOf(system, Int32Array.of(frame));
  const name = (): string => systemFrameName(system, frame);
  const largest = new LargestNumbers(typeCount);
  named(name, () => {
    assertFewNeighbours(positions, cell, rcut);
    const parts = neighborListInParts({ positions, cell, pbc: cell !== null }, rcut, pairsAtOnce);
    for (const part of parts) largest.add(neighborNumbers(part, types, typeCount));
  });
  if (largest.minDistance < onTop) throw onTopOfEachOther(name(), largest.minDistance);
  return largest;
}

/** The largest of what several lists or frames have. */
export class LargestNumbers implements NeighborNumbers {
  readonly byType: Int32Array;
  total = 0;
  minDistance = Infinity;

  constructor(typeCount: number) {
    this.byType = new Int32Array(typeCount);
  }

  add(found: NeighborNumbers): void {
    found.byType.forEach((n, t) => (this.byType[t] = Math.max(this.byType[t], n)));
    this.total = Math.max(this.total, found.total);
    this.minDistance = Math.min(this.minDistance, found.minDistance);
  }
}

/** Refuses a system in which atoms are on top of each other, without counting neighbours. Errors: VALUE. */
export function assertAtomsApart(system: DeepmdSystem, typeCount: number): void {
  for (let frame = 0; frame < system.frameCount; frame++)
    largestNeighbourNumbers(system, frame, shortestCutoff, typeCount);
}

function onTopOfEachOther(frame: string, distance: number): AtomgradError {
  return new AtomgradError(
    "VALUE",
    `${frame}: two atoms are on top of each other (distance ${Number(distance.toPrecision(2))} angstrom); correct the positions`,
  );
}
