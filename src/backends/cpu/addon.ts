import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AtomgradError } from "../../tensor/error.js";
import type { TypedArray } from "../../tensor/dtype.js";

/** What native/addon.cc exports to each Node environment. */
export interface Addon {
  readonly words: Int32Array;
  readonly reals: Float64Array;
  readonly run: () => void;
  allocate(bytes: number): number;
  release(slot: number): void;
  lend(host: TypedArray): number;
  hugePages(memory: ArrayBuffer): void;
  copy(slot: number, host: TypedArray, toSlot: boolean): void;
  detach(slot: number, bytes: number): ArrayBuffer | undefined;
  fill(slot: number, byte: number): void;
  mapFile(descriptor: number, offset: number, bytes: number): ArrayBuffer | number | undefined;
  threads(count?: number): number;
  isa(name?: string): string;
  isas(): string[];
  kernels(): [name: string, types: number][];
}

/**
 * The file of a module, by its `import.meta.url`; CommonJS bundles have none, but a `__filename`. (`node -e` gives ES modules a
 * `__filename` too, which is not theirs.)
 */
export function modulePath(url: string | undefined): string {
  return url === undefined ? __filename : fileURLToPath(url);
}

/** The package's folder: the nearest one above this file that holds package.json (sources, dist and the CommonJS bundle differ). */
export function packageRoot(): string {
  let folder = dirname(modulePath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const up = dirname(folder);
    if (up === folder)
      throw new AtomgradError("NATIVE", "atomgrad: package.json not found above the installed files");
    folder = up;
  }
  return folder;
}

let loaded: Addon | undefined;

/** Loads the addon for this machine (once). Errors: NATIVE, with the command that mends it. */
export function loadAddon(): Addon {
  return (loaded ??= openAddon());
}

function openAddon(): Addon {
  const root = packageRoot();
  const system = `${process.platform}-${process.arch}`;
  const candidates = [
    join(root, "build", "Release", "atomgrad.node"),
    join(root, "prebuilds", system, "atomgrad.node"),
  ];
  const file = candidates.find((path) => existsSync(path));
  const remedy = `run \`npm run build:native\` in ${root} (needs a C++17 compiler)`;
  if (file === undefined)
    throw new AtomgradError(
      "NATIVE",
      `the native addon for ${system} (Node ${process.version}) is not built; ${remedy}`,
    );
  try {
    // What `require` does with such a file in the end; it takes longer to come to that than to open the file.
    const module = { exports: {} };
    process.dlopen(module, file);
    return module.exports as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new AtomgradError(
      "NATIVE",
      `the native addon does not load on ${system} (Node ${process.version}, ${libc()}): ${reason}; ${remedy}`,
      { cause },
    );
  }
}

function libc(): string {
  if (process.platform !== "linux") return "system C library";
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const version = report.header?.glibcVersionRuntime;
  return version === undefined ? "musl" : `glibc ${version}`;
}
