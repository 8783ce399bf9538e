import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isas, openCpu } from "../../src/backends/cpu/cpu.js";
import { root } from "../cli/bundle.js";
import { temporaryFolder } from "../data/temporary-folder.js";

// What the kernels' matrix product and vector functions promise beyond what ops show: nothing is touched outside the
// operands, the same bits for every number of threads, distances in units of the last place.
openCpu();
const folder = temporaryFolder();
const compiler = process.env.CXX ?? "g++";
const found = spawnSync(compiler, ["--version"]).status === 0;
const { isas: flags } = JSON.parse(readFileSync(join(root, "native/flags.json"), "utf8")) as {
  isas: Record<string, Record<string, string[]>>;
};

function runProgram(name: string, isa: string, sources: readonly string[]): string {
  const target = join(folder, `${name}-${isa}`);
  const common = ["-std=c++17", "-O1", "-Wno-psabi", "-DAG_ISA=test", "-I", "native", "-pthread"];
  const ours = flags[process.arch]?.[isa] ?? [];
  const made = spawnSync(compiler, [...common, ...ours, ...sources, "-o", target], {
    cwd: root,
    encoding: "utf8",
  });
  expect(made.status, made.stderr).toBe(0);
  const { status, stdout, stderr } = spawnSync(target, { encoding: "utf8" });
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}

describe.skipIf(!found)("programs of native/ (need a C++ compiler)", () => {
  const all = isas();
  const best = all[all.length - 1];

  it(`the matrix product agrees with a naive one and keeps to its operands (${best})`, () => {
    const said = runProgram("gemm", best, [
      "test/native/gemm_test.cc",
      "native/gemm/tile.cc",
      "native/team.cc",
    ]);
    expect(said).toMatch(/: \d{4,} cases, 0 failures/);
  });

  it.each(all)("the vector functions keep to their distances from the exact values (%s)", (isa) => {
    expect(runProgram("vecmath", isa, ["test/native/vecmath_test.cc"])).toMatch(/\b0 failures/);
  });
});
