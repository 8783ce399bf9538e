// Builds the addon for training on several processes with MPI's C++ compiler: build/Release/atomgrad_mpi.node. Ends with 0 where
// mpicxx is missing (MPI is optional), with 1 then under --required.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const { flags, mpi } = JSON.parse(readFileSync(join(root, "native/sources.generated.json"), "utf8"));
const compiler = process.env.MPICXX ?? "mpicxx";
const target = join(root, "build", "Release", "atomgrad_mpi.node");

if (spawnSync(compiler, ["--version"], { stdio: "ignore" }).status !== 0) {
  console.log("mpi: no mpicxx in the PATH or MPICXX; the addon for several processes is left out");
  process.exit(process.argv.includes("--required") ? 1 : 0);
}
const sources = mpi.map((source) => join(root, source));
const newest = Math.max(...sources.map((source) => statSync(source).mtimeMs));
if (!existsSync(target) || statSync(target).mtimeMs < newest) {
  mkdirSync(dirname(target), { recursive: true });
  const includes = [
    dirname(require.resolve("node-addon-api/package.json")),
    require("node-api-headers").include_dir,
  ];
  const defines = ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "BUILDING_NODE_EXTENSION"];
  const { status } = spawnSync(
    compiler,
    [
      "-std=c++17",
      "-fPIC",
      "-shared",
      ...flags,
      ...defines.map((name) => `-D${name}`),
      ...includes.map((folder) => `-I${folder}`),
      ...sources,
      "-o",
      target,
    ],
    { cwd: root, stdio: "inherit" },
  );
  if (status !== 0) {
    console.error(`mpi build failed: ${compiler} ended with ${status}`);
    process.exit(1);
  }
}
console.log(`mpi addon: built by ${compiler} -> build/Release/atomgrad_mpi.node`);
