import type { DeviceName } from "../tensor/backend.js";
import { device as deviceByName } from "../tensor/device.js";
import { assertOptional, assertPositive, wrongArgument } from "../tensor/arguments.js";
import { AtomgradError } from "../tensor/error.js";
import { Tensor } from "../tensor/tensor.js";
import { neighborListOfFrames, neighborListOfFramesAsync } from "./neighbor-list.js";
import { assertSearchesAlone } from "./neighbor-search.js";
import type { NeighborList } from "./pair-list.js";

export interface RadiusGraphOptions {
  /** [N] graph of each point, rising from 0; points of different graphs are not connected. Default: one graph. */
  batch?: ArrayLike<number>;
  /** Connect every point with itself too (default false). */
  loop?: boolean;
  /**
   * Most edges a point gets, the first by number. Default: no limit; torch_cluster's `radius_graph` keeps 32 unless told otherwise,
   * and which ones depends on the device.
   */
  maxNumNeighbors?: number;
  /** Where to search: the same edges everywhere. Default: the CPU. "webgpu" answers in `radiusGraphAsync` alone. */
  device?: DeviceName;
}

/** Edges of points closer than a radius, sorted by target, then source. */
export interface RadiusGraph {
  /** [E] neighbours j */
  readonly source: Int32Array;
  /** [E] centres i */
  readonly target: Int32Array;
}

/**
 * All pairs of points closer than `radius` (strictly) in open space; different points at one place are pairs.
 *
 * @param positions [N, 3] row-major. Errors: VALUE, SHAPE; ASYNC_DEVICE for a device that cannot answer at once (webgpu).
 */
export function radiusGraph(
  positions: ArrayLike<number>,
  radius: number,
  options: RadiusGraphOptions = {},
): RadiusGraph {
  assertArguments(positions, radius, options);
  const { batch, device } = options;
  if (device !== undefined) assertSearchesAlone(deviceByName(device), "radiusGraph");
  return graphOf(neighborListOfFrames(graphsOf(positions, batch), radius, { device }), options);
}

/** Errors: VALUE naming the argument. */
function assertArguments(positions: unknown, radius: unknown, options: unknown): void {
  if (positions instanceof Tensor)
    throw new AtomgradError(
      "VALUE",
      "radiusGraph: positions must be numbers [N, 3] row-major, got a tensor; pass positions.dataSync()",
    );
  if (!Array.isArray(positions) && !ArrayBuffer.isView(positions))
    throw wrongArgument("radiusGraph: positions", "numbers [N, 3] row-major", positions);
  assertPositive("radiusGraph: radius", radius);
  assertOptional("radiusGraph", options);
  const most = (options as RadiusGraphOptions).maxNumNeighbors;
  if (most !== undefined && !(most === Infinity || (Number.isInteger(most) && most >= 0)))
    throw new AtomgradError(
      "VALUE",
      `radiusGraph: maxNumNeighbors is ${most}; give a whole number of at least 0, or Infinity`,
    );
}

/** `radiusGraph` for every device: the same edges, by promise. */
export async function radiusGraphAsync(
  positions: ArrayLike<number>,
  radius: number,
  options: RadiusGraphOptions = {},
): Promise<RadiusGraph> {
  assertArguments(positions, radius, options);
  const { batch, device } = options;
  return graphOf(await neighborListOfFramesAsync(graphsOf(positions, batch), radius, { device }), options);
}

function graphOf(
  { edgeIndex: [neighbour], ptr }: NeighborList,
  { loop = false, maxNumNeighbors = Infinity }: RadiusGraphOptions,
): RadiusGraph {
  const source: number[] = [];
  const target: number[] = [];
  for (let i = 0; i + 1 < ptr.length; i++) {
    const found = Array.from(neighbour.subarray(ptr[i], ptr[i + 1]));
    if (loop) found.splice(found.filter((j) => j < i).length, 0, i);
    for (const j of found.slice(0, maxNumNeighbors)) {
      source.push(j);
      target.push(i);
    }
  }
  return { source: Int32Array.from(source), target: Int32Array.from(target) };
}

function graphsOf(given: ArrayLike<number>, batch: ArrayLike<number> | undefined) {
  if (given.length % 3 !== 0)
    throw new AtomgradError(
      "SHAPE",
      `radiusGraph: positions are ${given.length} numbers, no points of three`,
    );
  const positions = Array.from(given);
  const N = positions.length / 3;
  const frame = (from: number, to: number) => ({
    positions: positions.slice(3 * from, 3 * to),
    cell: null,
    pbc: [false, false, false] as const,
  });
  if (batch === undefined) return [frame(0, N)];
  if (batch.length !== N)
    throw new AtomgradError(
      "SHAPE",
      `radiusGraph: batch has ${batch.length} entries for ${N} points; give one for each`,
    );
  const bounds = [0];
  for (let i = 1; i < N; i++) {
    if (batch[i] < batch[i - 1])
      throw new AtomgradError(
        "VALUE",
        `radiusGraph: batch falls from ${batch[i - 1]} to ${batch[i]} at ${i}; sort it`,
      );
    if (batch[i] !== batch[i - 1]) bounds.push(i);
  }
  return bounds.map((from, k) => frame(from, bounds[k + 1] ?? N));
}
