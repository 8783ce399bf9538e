export { openWeights, withWeights, type OpenWeights } from "./open.js";
export { readStateFile, writeStateFileSync } from "./state-file.js";
export type { WeightTensor, Weights, WeightsFormat } from "./weights.js";
