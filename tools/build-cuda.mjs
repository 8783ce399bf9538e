// Builds the CUDA addon with nvcc alone: build/Release/atomgrad_cuda.node, with the CUDA runtime linked statically. No GPU is
// needed to build or load it. Objects are rebuilt when they are older than their sources or any header. Ends with 0 where
// nvcc is missing (CUDA is optional), with 1 then under --required.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const { cuda } = JSON.parse(readFileSync(join(root, "native/sources.generated.json"), "utf8"));
const objects = join(root, "build", "cuda");
const target = join(root, "build", "Release", "atomgrad_cuda.node");

/** nvcc of the PATH, or of the toolkit that CUDA_HOME or CUDA_PATH names. */
function findCompiler() {
  const folders = [process.env.CUDA_HOME, process.env.CUDA_PATH, "/usr/local/cuda"].filter((f) => f);
  const candidates = ["nvcc", ...folders.map((f) => join(f, "bin", "nvcc"))];
  return candidates.find((c) => spawnSync(c, ["--version"], { stdio: "ignore" }).status === 0);
}

/** CMake's notation: `80-real` is machine code for 8.0, `90` machine code and PTX for later devices. */
function architectureFlags(architecture) {
  const [number, kind] = architecture.split("-");
  const machine = ["-gencode", `arch=compute_${number},code=sm_${number}`];
  return kind === "real"
    ? machine
    : [...machine, "-gencode", `arch=compute_${number},code=compute_${number}`];
}

const flags = [
  "-std=c++17",
  ...cuda.flags,
  "-Xcompiler",
  cuda.hostFlags.join(","),
  ...cuda.architectures.flatMap(architectureFlags),
];
const addonFlags = [
  "-DNAPI_VERSION=8",
  "-DNAPI_DISABLE_CPP_EXCEPTIONS",
  "-DBUILDING_NODE_EXTENSION",
  "-Xcompiler",
  "-Wno-cast-function-type",
  `-I${dirname(require.resolve("node-addon-api/package.json"))}`,
  `-I${require("node-api-headers").include_dir}`,
];

function newestHeader() {
  const folders = [
    "native",
    "native/cuda",
    ...readdirSync(join(root, "kernels")).map((name) => `kernels/${name}`),
  ];
  const headers = folders
    .map((folder) => join(root, folder))
    .filter((folder) => statSync(folder).isDirectory())
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /\.(h|cuh|json)$/.test(name))
        .map((name) => join(folder, name)),
    );
  return Math.max(...headers.map((file) => statSync(file).mtimeMs));
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

const compiler = findCompiler();
if (compiler === undefined) {
  console.log("cuda: no nvcc in the PATH, CUDA_HOME or CUDA_PATH; the CUDA addon is left out");
  process.exit(process.argv.includes("--required") ? 1 : 0);
}
mkdirSync(objects, { recursive: true });
mkdirSync(dirname(target), { recursive: true });
const units = cuda.sources.map((source) => ({
  source,
  object: join(objects, source.replaceAll("/", "_") + ".o"),
}));
const headers = newestHeader();
const stale = units.filter(
  ({ source, object }) =>
    !existsSync(object) || statSync(object).mtimeMs < Math.max(headers, statSync(join(root, source)).mtimeMs),
);
try {
  const queue = [...stale];
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
        const extra = unit.source.endsWith("addon.cc") ? addonFlags : [];
        await run(compiler, [...flags, ...extra, "-c", unit.source, "-o", unit.object]);
      }
    }),
  );
  // The runtime's own symbols stay inside: another addon may carry another version of it.
  const hide = process.platform === "linux" ? ["-Xlinker", "--exclude-libs,ALL", "-Xlinker", "-z,now"] : [];
  if (stale.length > 0 || !existsSync(target))
    await run(compiler, [
      "-shared",
      "-cudart",
      "static",
      ...hide,
      ...units.map((u) => u.object),
      "-o",
      target,
    ]);
  console.log(
    `cuda addon: ${stale.length} of ${units.length} units compiled by ${compiler} -> build/Release/atomgrad_cuda.node`,
  );
} catch (error) {
  console.error(`cuda build failed: ${error.message}`);
  process.exit(1);
}
