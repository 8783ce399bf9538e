export * from "./autograd/grad.js";
export { detach, isRecording, noGrad, requireGrad } from "./autograd/node.js";
export { type KernelProfile, profile } from "./autograd/profile.js";
export { reshape } from "./autograd/reshape.js";
export { getIsa, getThreads, isas, openCpu, setIsa, setThreads } from "./backends/cpu/cpu.js";
export { cudaDeviceName, openCuda } from "./backends/cuda/cuda.js";
export { openReference } from "./backends/reference/reference.js";
export { openWebGpu, webGpuAdapter } from "./backends/webgpu/webgpu.js";
export { devices, openDevice } from "./devices.js";
export { defaultDevice, device, isOpen, memory, setDefaultDevice } from "./tensor/device.js";
export { AtomgradError } from "./tensor/error.js";
export { RandomStream } from "./tensor/philox.js";
export { keep, scope, scopeAsync } from "./tensor/scope.js";
export { full, ones, Tensor, tensor, zeros } from "./tensor/tensor.js";
export * from "../kernels/index.generated.js";
export { makeStructure, type Field, type FieldKind, type Structure } from "./data/structure.js";
export { inspectFile } from "./data/inspect/inspect.js";
export { readDeepmdSystem } from "./data/deepmd-npy.js";
export { writeDeepmdSystem } from "./data/deepmd-npy-write.js";
export type { DeepmdLabel, DeepmdSystem, LabelName } from "./data/deepmd-system.js";
export { type NpyArray, readNpy, type ReadNpyOptions, writeNpySync } from "./data/npy.js";
export {
  openStructures,
  readStructures,
  writeStructures,
  type OpenStructures,
  type ReadStructuresOptions,
  type WriteStructuresOptions,
} from "./data/structures.js";
/** What e3nn has in `o3`, `nn` and `math`: irreps, spherical harmonics, tensor products, gates, radial bases. */
export * as o3 from "./equivariant/index.js";
export { Cell, type Pbc } from "./geometry/cell.js";
export type { CellParameters } from "./geometry/cell-parameters.js";
export { supercell } from "./data/supercell.js";
export {
  openWeights,
  type OpenWeights,
  readStateFile,
  type WeightTensor,
  type WeightsFormat,
  withWeights,
  writeStateFileSync,
} from "./data/weights/index.js";
export {
  alongLattice,
  cartesianForces,
  fractionalForces,
  minimumImage,
  toCartesian,
  toFractional,
} from "./geometry/fractional.js";
export { type Batch, batchOf, edgeGraph } from "./geometry/batch.js";
export { padNeighbors, type PaddedNeighborList } from "./geometry/limit-neighbors.js";
export {
  type FramesNeighborList,
  neighborList,
  neighborListAsync,
  neighborListInParts,
  neighborListOfFrames,
  neighborListOfFramesAsync,
  type NeighborList,
  type NeighborListOptions,
} from "./geometry/neighbor-list.js";
export {
  type NeighborTensors,
  neighborTensors,
  neighborTensorsAsync,
  type NeighborTensorsOptions,
} from "./geometry/neighbor-tensors.js";
export {
  type RadiusGraph,
  radiusGraph,
  radiusGraphAsync,
  type RadiusGraphOptions,
} from "./geometry/radius-graph.js";
export { VerletList, type VerletListOptions } from "./geometry/verlet-list.js";
export {
  type Abortable,
  DeepPot,
  type EvalOptions,
  type EvalResult,
  type LoadOptions,
} from "./models/deepmd/deep-pot.js";
export {
  BesselBasis,
  type BesselOptions,
  SphericalBasis,
  type SphericalBasisOptions,
} from "./nn/bessel-basis.js";
export { besselNorms, besselZeros } from "./nn/bessel-zeros.js";
export { cosineCutoff, deepmdSwitch, polynomialEnvelope } from "./nn/cutoff.js";
export { huberLoss, maeLoss, mseLoss } from "./nn/loss.js";
export { Linear, type LinearOptions } from "./nn/linear.js";
export { Mlp, type MlpOptions } from "./nn/mlp.js";
export { Module } from "./nn/module.js";
export type { State, StateArray, StateDifference } from "./nn/state.js";
export { Adam, AdamW, Sgd } from "./nn/optimizer.js";
export type { TrainOptions, TrainResult } from "./train/deepmd/train-options.js";
export { trainDeepmd } from "./train/deepmd/train-deepmd.js";
