export {
  BesselBasis,
  type BesselOptions,
  SphericalBasis,
  type SphericalBasisOptions,
} from "./bessel-basis.js";
export { besselNorms, besselTableOfPyg, besselZeros } from "./bessel-zeros.js";
export * from "./clip.js";
export * from "./cutoff.js";
export { Ema } from "./ema.js";
export * as init from "./init.js";
export type { Initializer } from "./init.js";
export { Linear, type LinearOptions } from "./linear.js";
export * from "./loss.js";
export { Mlp, type MlpOptions } from "./mlp.js";
export { type AnyModule, Module } from "./module.js";
export * from "./optimizer.js";
export { glorotOrthogonal } from "./orthogonal.js";
export type { DerivedArray, State, StateArray, StateDifference, StateEntry } from "./state.js";
