import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bundle, root } from "../cli/bundle.js";
import { temporaryFolder } from "../data/temporary-folder.js";

/** The family that is compiled here, as all are, but in seconds. */
const family = "elementwise";
const base = temporaryFolder();
const possible = spawnSync(process.execPath, [join(root, "tools/build-native.mjs"), "--possible"], {
  encoding: "utf8",
}).stdout.split(/\s+/);

interface SourceList {
  readonly common: string[];
  readonly kernels: string[];
  readonly isas: Record<string, Record<string, string[]>>;
}

/** A checkout of what a native build needs, with few CPU kernels and without optimisation; CUDA has a test of its own. */
function smallCheckout(name: string): string {
  const copy = join(base, name);
  mkdirSync(copy);
  for (const file of ["package.json", "CMakeLists.txt", "binding.gyp", "native", "tools"])
    cpSync(join(root, file), join(copy, file), { recursive: true });
  cpSync(join(root, "kernels", family), join(copy, "kernels", family), { recursive: true });
  rmSync(join(copy, "kernels", family, "cuda.cu"));
  for (const name of readdirSync(join(copy, "native/gemm")))
    if (name.endsWith(".cc")) rmSync(join(copy, "native/gemm", name));
  const flags = join(copy, "native/flags.json");
  writeFileSync(flags, readFileSync(flags, "utf8").replaceAll('"-O3"', '"-O0"'));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

function run(folder: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

/** The units that were compiled, `isa source`, from the names of the object files. */
function compiledUnits(folder: string, sources: SourceList): string[] {
  const objects = readdirSync(join(folder, "build"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".o"))
    .map((name) => name.replaceAll("\\", "/"));
  const isas = Object.keys(sources.isas[process.arch] ?? { baseline: [] });
  return objects
    .flatMap((object) => {
      const flat = object.replaceAll(/[/_.]/g, " ");
      const isSource = (source: string): boolean =>
        flat.includes(source.replace(/\.cc$/, "").replaceAll(/[/_.]/g, " "));
      const source = [...sources.common, ...sources.kernels].find(isSource);
      const isa = isas.find((name) => new RegExp(`(kernels |\\b)${name} `).test(flat)) ?? "common";
      return source === undefined ? [] : [`${isa} ${source}`];
    })
    .sort();
}

/** What the list asks for. */
function wantedUnits(sources: SourceList): string[] {
  const isas = Object.keys(sources.isas[process.arch] ?? { baseline: [] });
  return [
    ...sources.common.map((source) => `common ${source}`),
    ...isas.flatMap((isa) => sources.kernels.map((source) => `${isa} ${source}`)),
  ].sort();
}

describe("node tools/build-native.mjs", () => {
  for (const way of ["cmake", "gyp", "plain"])
    it.skipIf(!possible.includes(way))(
      `--with ${way} makes an addon that loads and adds, from the generated list (needs what ${way} needs)`,
      async () => {
        const copy = smallCheckout(way);
        run(copy, "tools/generate.mjs");
        const text = readFileSync(join(copy, "native/sources.generated.json"), "utf8");
        const list = JSON.parse(text) as SourceList;
        expect(list.kernels).toEqual([`kernels/${family}/cpu.cc`]);
        run(copy, "tools/build-native.mjs", "--with", way);
        expect(compiledUnits(copy, list)).toEqual(wantedUnits(list));
        const program = await bundle("test/native/addition-program.ts", join(copy, "dist", "addition.mjs"));
        const { isas, sums } = JSON.parse(run(copy, program)) as { isas: string[]; sums: number[][] };
        expect(isas.length).toBeGreaterThan(0);
        expect(sums).toEqual(isas.map(() => [11, 22, 33]));
      },
    );
});
