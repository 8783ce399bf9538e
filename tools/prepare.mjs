// Brings a checkout into a state in which commands run: dependencies, generated files, native addon, JavaScript. Each step is
// skipped when its result is newer than its inputs. `npm start` and `npm test` begin with it.
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Runs a command of the checkout; ends the process with its status when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) {
    console.error(`${command}: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0) process.exit(result.status ?? 1);
}

export function node(script, ...args) {
  run(process.execPath, [join(root, script), ...args]);
}

/** Time of the newest file below the given paths whose name matches; 0 when there is none. */
function newest(paths, matches = /./) {
  let time = 0;
  const visit = (path) => {
    if (!existsSync(path)) return;
    const stat = statSync(path);
    if (stat.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name));
    else if (matches.test(path)) time = Math.max(time, stat.mtimeMs);
  };
  for (const path of paths) visit(join(root, path));
  return time;
}

/** A linked folder belongs to another checkout: an installation would empty it there. */
function isLinked(path) {
  return lstatSync(join(root, path), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

const nodeVersion = process.versions.node.split(".").map(Number);

export function prepare() {
  if (nodeVersion[0] < 20) {
    console.error(`atomgrad needs Node 20 or newer, this is ${process.version}`);
    process.exit(1);
  }
  if (
    !isLinked("node_modules") &&
    newest(["node_modules/.package-lock.json"]) < newest(["package-lock.json"])
  ) {
    console.error("installing dependencies (npm ci) ...");
    run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      shell: process.platform === "win32",
    });
  }
  node("tools/generate.mjs");
  const sources = newest(["native", "kernels"], /\.(cc|h|cu|cuh|json)$/);
  if (
    newest(["build/Release/atomgrad.node"]) < Math.max(sources, newest(["CMakeLists.txt", "binding.gyp"]))
  ) {
    console.error("building the native addon ...");
    node("tools/build-native.mjs");
  }
  if (
    newest(["dist/index.cjs"]) <
    newest(
      [
        "src",
        "kernels",
        "bench",
        "examples",
        "tools/bundle.mjs",
        "tools/bundle-browser.mjs",
        "tools/load-package.cjs",
        "tsconfig.build.json",
      ],
      /\.(ts|mjs|cjs|json)$/,
    )
  ) {
    console.error("compiling TypeScript ...");
    node("node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json");
    node("tools/bundle.mjs");
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) prepare();
