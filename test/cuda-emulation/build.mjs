// Builds the CUDA addon for the host: the sources of native/cuda and every kernels/*/cuda.cu with the emulated runtime of
// this folder. Launches, kernel<<<...>>>(...), are rewritten in copies of the sources; nothing else is changed.
// Usage: node build.mjs TARGET.node
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const require = createRequire(import.meta.url);
const target = resolve(process.argv[2]);
const folder = join(dirname(target), "cuda-emulation");
const { cuda } = JSON.parse(readFileSync(join(root, "native/sources.generated.json"), "utf8"));
const compiler = process.env.CXX ?? "g++";
const flags = [
  "-std=c++17",
  "-O1",
  "-fPIC",
  "-fvisibility=hidden",
  "-w",
  "-DNAPI_VERSION=8",
  "-DNAPI_DISABLE_CPP_EXCEPTIONS",
  `-I${here}`,
  `-I${dirname(require.resolve("node-addon-api/package.json"))}`,
  `-I${require("node-api-headers").include_dir}`,
];

const launch = /([\w:]+(?:<[^<>;]*>)?)<<<([\s\S]*?)>>>\(/g;
const rewritten = (text) =>
  text.replace(launch, "emulation::launcher([](auto... args) { $1(args...); }, $2)(");

/** Copies a file when it changed, with its launches rewritten; returns the copy. */
function copy(path) {
  const to = join(folder, path);
  const text = rewritten(readFileSync(join(root, path), "utf8"));
  mkdirSync(dirname(to), { recursive: true });
  if (!existsSync(to) || readFileSync(to, "utf8") !== text) writeFileSync(to, text);
  return to;
}

const headersOf = (path) =>
  readdirSync(join(root, path))
    .filter((name) => /\.(h|cuh)$/.test(name))
    .map((name) => join(path, name));
const families = cuda.sources.filter((source) => source.startsWith("kernels/")).map(dirname);
const headers = ["native", "native/cuda", ...families].flatMap(headersOf).map(copy);
const sources = [...cuda.sources.map(copy), join(here, "emulation.cc")];
const newest = Math.max(...[...headers, join(here, "cuda_runtime.h")].map((file) => statSync(file).mtimeMs));

function run(command, args) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: "inherit" });
    child.on("error", fail);
    child.on("exit", (code) => (code === 0 ? done() : fail(new Error(`${command} ended with ${code}`))));
  });
}

const objectOf = (source) => join(folder, `${source.slice(root.length + 1).replaceAll("/", "_")}.o`);
const stale = sources.filter((source) => {
  const object = objectOf(source);
  return !existsSync(object) || statSync(object).mtimeMs < Math.max(newest, statSync(source).mtimeMs);
});
const work = [...stale];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let source = work.shift(); source !== undefined; source = work.shift())
      await run(compiler, [...flags, "-x", "c++", "-c", source, "-o", objectOf(source)]);
  }),
);
if (stale.length > 0 || !existsSync(target)) {
  const shared = process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"];
  await run(compiler, [...shared, ...sources.map(objectOf), "-o", target]);
}
console.log(`${basename(target)}: ${stale.length} of ${sources.length} units compiled by ${compiler}`);
