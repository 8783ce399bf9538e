import { indexMap } from "../../../kernels/segment/op.js";
import type { DeepmdSystem } from "../../data/deepmd-system.js";
import { widestType } from "../../tensor/device.js";
import { tensor } from "../../tensor/tensor.js";
import type { EnergyModel } from "./energy-model.js";
import type { CentreBlock } from "./centre-blocks.js";
import { Edges } from "./edges.js";
import { type Frames, framesOf } from "./frames.js";
import type { DeepmdGraph } from "./graph.js";
import { neighboursOfFrame } from "./neighbours.js";
import { attentionRows } from "./se-atten/attention-rows.js";
import { typeRows } from "./se-e2-a/type-rows.js";

/** The graph of frames of equal size for a model. Errors: VALUE (types, positions, cells, atoms on top of each other). */
export function graphOf(model: EnergyModel, frames: Frames): DeepmdGraph {
  const { settings } = model;
  const chosen = Array.from({ length: frames.count }, (_, f) => neighboursOfFrame(settings, frames, f));
  return build(model, new Edges(frames, chosen));
}

/** The graph of some centres of a frame. Forces are not assembled from it: its neighbours lie outside it. */
export function graphOfCentres(model: EnergyModel, { frames, chosen, wholeTypes }: CentreBlock): DeepmdGraph {
  return build(model, new Edges(frames, [chosen], wholeTypes));
}

/** The graph of some frames of a DeePMD system. */
export function graphOfFrames(model: EnergyModel, system: DeepmdSystem, frames: Int32Array): DeepmdGraph {
  return graphOf(model, framesOf(system, frames));
}

function build(model: EnergyModel, edges: Edges): DeepmdGraph {
  const { settings, descriptor } = model;
  const { atoms, count, frames, types } = edges;
  const { dtype, needsEmptySlots } = descriptor;
  const framePtr = Int32Array.from({ length: frames.count + 1 }, (_, f) => f * frames.atoms);
  const counts = (t: number): boolean => t >= 0 && !settings.silentTypes.includes(t);
  return {
    atoms,
    edges: count,
    frames: frames.count,
    // The environment matrix and its slopes are made in f64 whatever the nets are: forces of crystals are small sums of large terms.
    edge: tensor(edges.vector, [count, 3], { dtype: widestType() }),
    centreType: tensor(edges.centreTypes),
    atomType: indexMap(types, settings.typeCount + 1),
    ptr: tensor(edges.ptr),
    real: frames.types.every(counts)
      ? undefined
      : tensor(
          frames.types.map((t) => Number(counts(t))),
          [atoms],
          { dtype: widestType() },
        ),
    framePtr: tensor(framePtr),
    edgePtr: tensor(framePtr.map((i) => edges.ptr[i])),
    neighbour: indexMap(edges.neighbour, edges.neighbourable.length),
    attention:
      settings.kind === "se_atten" ? attentionRows(settings, edges, needsEmptySlots, dtype) : undefined,
    byType:
      settings.kind === "se_e2_a"
        ? typeRows(
            settings,
            { types, ptr: edges.ptr, neighbourType: edges.neighbourTypes, slots: slotsInUse(edges) },
            needsEmptySlots,
            dtype,
          )
        : undefined,
    parameters: model.parameterRows(frames),
  };
}

function slotsInUse({ chosen }: Edges): Int32Array {
  return Int32Array.from(chosen.flatMap(({ slots }) => [...slots!]));
}
