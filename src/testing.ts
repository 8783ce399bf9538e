/** Helpers to test code built on atomgrad: gradients against differences, and the symmetries of physics. */
export { gradcheck, gradgradcheck, type GradcheckOptions } from "./testing/gradcheck.js";
export { assertEquivariant, assertInvariant, type SymmetryOptions } from "./testing/symmetry.js";
