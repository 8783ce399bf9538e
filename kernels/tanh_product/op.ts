export * from "./doubled.js";
export * from "./gradients.js";
