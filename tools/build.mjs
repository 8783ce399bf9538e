// The plain build: calls the C++ compiler directly. For machines without CMake, and without what node-gyp needs (Python, make).
// Objects are rebuilt when they are older than their sources or any header.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const sources = JSON.parse(readFileSync(join(root, "native/sources.generated.json"), "utf8"));
const compiler = process.env.CXX ?? "g++";
const objects = join(root, "build", "plain");
const target = join(root, "build", "Release", "atomgrad.node");

const flags = [
  "-std=c++17",
  "-fPIC",
  ...sources.flags,
  "-DNAPI_VERSION=8",
  "-DNAPI_DISABLE_CPP_EXCEPTIONS",
  "-DBUILDING_NODE_EXTENSION",
  `-I${dirname(require.resolve("node-addon-api/package.json"))}`,
  `-I${require("node-api-headers").include_dir}`,
];

function newestHeader() {
  let newest = 0;
  for (const folder of [
    "native",
    "native/gemm",
    ...readdirSync(join(root, "kernels")).map((name) => join("kernels", name)),
  ]) {
    const path = join(root, folder);
    if (!statSync(path).isDirectory()) continue;
    for (const name of readdirSync(path))
      if (/\.(h|json)$/.test(name)) newest = Math.max(newest, statSync(join(path, name)).mtimeMs);
  }
  return newest;
}

const isas = Object.entries(sources.isas[process.arch] ?? { baseline: [] });
const units = [
  ...sources.common.map((source) => ({
    source,
    object: join(objects, source.replaceAll("/", "_") + ".o"),
    extra: [],
  })),
  ...isas.flatMap(([isa, extra]) =>
    sources.kernels.map((source) => ({
      source,
      object: join(objects, `${isa}_${source.replaceAll("/", "_")}.o`),
      extra: [...extra, `-DAG_ISA=${isa}`],
    })),
  ),
];

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit" });
    child.on("error", (error) =>
      reject(
        new Error(
          error.code === "ENOENT"
            ? `${command} not found: install a C++17 compiler (Debian: apt-get install g++)`
            : error.message,
        ),
      ),
    );
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

mkdirSync(objects, { recursive: true });
mkdirSync(dirname(target), { recursive: true });
const headers = newestHeader();
const stale = units.filter(({ source, object }) => {
  if (!existsSync(object)) return true;
  const made = statSync(object).mtimeMs;
  return made < headers || made < statSync(join(root, source)).mtimeMs;
});
try {
  const queue = [...stale];
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let unit = queue.shift(); unit !== undefined; unit = queue.shift())
        await run(compiler, [...flags, ...unit.extra, "-c", unit.source, "-o", unit.object]);
    }),
  );
  if (stale.length > 0 || !existsSync(target)) {
    const shared = process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"];
    await run(compiler, [...shared, "-pthread", ...units.map((u) => u.object), "-o", target]);
  }
  console.log(
    `native addon: ${stale.length} of ${units.length} units compiled by ${compiler} -> build/Release/atomgrad.node`,
  );
} catch (error) {
  console.error(`plain build failed: ${error.message}`);
  process.exit(1);
}
