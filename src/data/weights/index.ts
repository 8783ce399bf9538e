export { openWeights, withWeights, type OpenWeights } from "./open.js";
export type { WeightTensor, Weights, WeightsFormat } from "./weights.js";
