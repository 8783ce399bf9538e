import { indexMap } from "../../../../kernels/segment/op.js";
import type { DType } from "../../../tensor/dtype.js";
import { tensor } from "../../../tensor/tensor.js";
import type { Edges } from "../edges.js";
import type { AttentionRows, EmptySlots, TypePairs } from "../graph.js";
import { recoversSwitch, type SeAttenSettings } from "./settings.js";

/** What se_atten needs beside the edges of a batch. */
export function attentionRows(
  settings: SeAttenSettings,
  edges: Edges,
  needsEmptySlots: boolean,
  dtype: DType,
): AttentionRows {
  const { atoms, ptr } = edges;
  const start = new Int32Array(atoms + 1);
  const pad = new Int32Array(atoms);
  for (let i = 0; i < atoms; i++) {
    const n = ptr[i + 1] - ptr[i];
    start[i + 1] = start[i] + n * n;
    // Without smooth attention empty slots are masked out: they do not even stand in the denominator.
    pad[i] = settings.smooth ? settings.sel - n : 0;
  }
  return {
    pairs: typePairs(settings, edges.neighbourTypes, edges.centreTypes),
    start: tensor(start),
    pairCount: start[atoms],
    others: settings.maskSelf ? tensor(offDiagonal(ptr, start), [start[atoms]], { dtype }) : undefined,
    pad: tensor(pad),
    emptySlots: needsEmptySlots ? emptySlots(settings, edges, dtype) : undefined,
  };
}

/** Square blocks of ones with zeros in their diagonals. */
function offDiagonal(ptr: Int32Array, start: Int32Array): Float64Array {
  const out = new Float64Array(start[start.length - 1]).fill(1);
  for (let i = 0; i + 1 < ptr.length; i++) {
    const n = ptr[i + 1] - ptr[i];
    for (let j = 0; j < n; j++) out[start[i] + j * (n + 1)] = 0;
  }
  return out;
}

function typePairs(settings: SeAttenSettings, neighbour: Int32Array, centre: Int32Array): TypePairs {
  const { stripMode, typeOneSide } = settings;
  const count = settings.typeCount + 1;
  const byPair = !typeOneSide && (stripMode || neighbour.length > count ** 2);
  const needsCentre = (!typeOneSide && !byPair) || recoversSwitch(settings);
  return {
    pair: byPair ? indexMap(pairRows(neighbour, centre, count), count ** 2) : undefined,
    neighbour: byPair ? undefined : indexMap(neighbour, count),
    centre: needsCentre ? indexMap(centre, count) : undefined,
  };
}

/** A loop: `map` takes ten times as long. */
function pairRows(neighbour: Int32Array, centre: Int32Array, count: number): Int32Array {
  const row = new Int32Array(neighbour.length);
  for (let e = 0; e < row.length; e++) row[e] = centre[e] * count + neighbour[e];
  return row;
}

/**
 * PyTorch takes the type of a frame's first atom for the neighbour that an empty slot does not have, TensorFlow none
 * (spec 2.8).
 */
function emptySlots(settings: SeAttenSettings, edges: Edges, dtype: DType): EmptySlots {
  const { atoms } = edges.frames;
  const neighbour =
    settings.rules === "tf" ? new Int32Array(edges.atoms).fill(settings.typeCount) : edges.firstTypes;
  const count = new Float64Array(edges.atoms);
  edges.chosen.forEach((c, f) => {
    for (let i = 0; i < atoms; i++)
      count[f * atoms + i] = settings.sel - (c.ptr[i + 1] - c.ptr[i]) - c.excluded[i];
  });
  return {
    pairs: typePairs(settings, neighbour, edges.types),
    count: tensor(count, [edges.atoms, 1], { dtype }),
  };
}
