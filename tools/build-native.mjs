// Builds the native addon with what this machine has: cmake-js where CMake is found (the full build, CUDA when
// present), node-gyp where Python and make are, and else the compiler alone; then the addon for several processes where MPI is. `--with cmake|gyp|plain` asks for one;
// `--possible` prints those that this machine can do.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(root, "package.json"));

const has = (command, ...args) => spawnSync(command, args, { stdio: "ignore" }).status === 0;

function run(name, command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  if (result.error) throw new Error(`${name}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${name} ended with ${result.status}`);
}

/** Where the running Node keeps its headers (node.h, common.gypi); node-gyp would download them otherwise. */
function nodeHeaders() {
  const prefix = join(dirname(process.execPath), "..");
  const folders = [prefix, "/usr", "/usr/local"].filter((p) =>
    existsSync(join(p, "include/node/common.gypi")),
  );
  return folders[0];
}

const builders = {
  cmake: {
    possible: () => has("cmake", "--version") && (has("make", "--version") || has("ninja", "--version")),
    build() {
      const program = join(dirname(require.resolve("cmake-js/package.json")), "bin", "cmake-js");
      run("cmake-js", process.execPath, [program, "compile", "--parallel", "2"]);
    },
  },
  gyp: {
    possible: () => has("python3", "--version") && has("make", "--version") && nodeHeaders() !== undefined,
    build() {
      const program = require.resolve("node-gyp/bin/node-gyp.js");
      run("node-gyp", process.execPath, [program, "rebuild", "-j", "2", `--nodedir=${nodeHeaders()}`]);
    },
  },
  plain: {
    possible: () => true,
    build: () => run("plain build", process.execPath, [join(root, "tools/build.mjs")]),
  },
};

if (process.argv.includes("--possible")) {
  console.log(
    Object.keys(builders)
      .filter((name) => builders[name].possible())
      .join(" "),
  );
  process.exit(0);
}
const at = process.argv.indexOf("--with");
const asked = at < 0 ? undefined : process.argv[at + 1];
if (asked !== undefined && !(asked in builders)) {
  console.error(`build:native: --with ${asked}: use cmake, gyp or plain`);
  process.exit(1);
}
if (!existsSync(join(root, "native/sources.generated.json"))) await import("./generate.mjs");
mkdirSync(join(root, "build"), { recursive: true });

const order = asked === undefined ? ["cmake", "gyp", "plain"] : [asked];
for (const name of order) {
  const builder = builders[name];
  if (!builder.possible()) {
    console.error(`build:native: ${name} is not possible on this machine, trying the next way`);
    continue;
  }
  try {
    builder.build();
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    console.log(`build:native: atomgrad ${version} addon built with ${name}`);
    run("mpi", process.execPath, [join(root, "tools/build-mpi.mjs")]);
    process.exit(0);
  } catch (error) {
    console.error(`build:native: ${error.message}`);
    if (asked !== undefined || name === "plain") break;
  }
}
process.exit(1);
