export * from "./activation.js";
export * from "./batch-norm.js";
export * from "./dropout.js";
export * from "./extract.js";
export * from "./fixed-products.js";
export * from "./fully-connected-net.js";
export * from "./gate.js";
export * from "./identity.js";
export {
  type ConnectionMode,
  type Instruction,
  type InstructionLike,
  showInstructions,
} from "./instruction.js";
export * from "./irrep.js";
export { irrep } from "./irrep-constants.js";
export * from "./irreps.js";
export * from "./linear.js";
export * from "./norm.js";
export { momentConstant, normalize2mom, type ScalarFunction } from "./normalized-activation.js";
export * from "./radial-basis.js";
export * from "./representation.js";
export * from "./rotation.js";
export * from "./scatter.js";
export * from "./spherical-harmonics.js";
export * from "./tensor-product.js";
export { type Coupling, generators, wigner3j, wignerCoupling, wignerD } from "./wigner.js";
