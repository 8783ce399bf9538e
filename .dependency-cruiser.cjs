// The floors of the house, lowest first. A floor imports only floors named before it.
const floors = [
  "^src/tensor/",
  "^src/backends/",
  "^src/autograd/",
  "^kernels/",
  "^src/testing/",
  "^src/nn/",
  "^src/geometry/",
  "^src/equivariant/",
  "^src/data/",
  "^src/models/",
  "^src/train/",
  "^src/simulate/",
  "^src/serve/",
  "^src/cli/",
];

// data/ holds formats only and may be read by models/ for their files; both stand above geometry/. The cases of a kernel are test
// inputs: some are checked with what stands above (irreps, cells), which no kernel may use.
module.exports = {
  forbidden: [
    ...floors.slice(0, -1).map((floor, k) => ({
      name: `upward-from-${floor.replace(/[^a-z]/g, "")}`,
      severity: "error",
      comment: "a floor imports only floors below it",
      from: { path: floor, pathNot: "cases\\.ts$|cases\\.generated\\.ts$" },
      to: { path: floors.slice(k + 1) },
    })),
    {
      name: "no-circle",
      severity: "error",
      comment: "kernels use each other inside functions only; everything else stands in one order",
      from: { path: "^src/" },
      to: { circular: true, viaOnly: { path: "^src/" } },
    },
    {
      name: "no-node-in-webgpu",
      severity: "error",
      comment: "the browser bundle holds no Node import",
      from: {
        path: "^src/(tensor|autograd|geometry|nn)/|^src/backends/(webgpu|reference)/|^kernels/",
        pathNot: "cases\\.ts$",
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-orphan",
      severity: "warn",
      from: { orphan: true, path: "^src/" },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".js", ".mjs"] },
  },
};
