import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../cli/bundle.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const installed = join(folder, "node_modules", "atomgrad");
const isBuilt =
  existsSync(join(root, "dist/index.cjs")) && existsSync(join(root, "build/Release/atomgrad.node"));
const hasTar = spawnSync("tar", ["--version"]).status === 0;
const needs = "needs `npm run build` and tar";
const system = `${process.platform}-${process.arch}`;
const prebuilt = join(installed, "prebuilds", system, "atomgrad.node");

function run(command: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(command, args, { cwd: folder, encoding: "utf8" });
}

/** What npm would install, without a registry: the tarball's content beside the dependencies of this checkout. */
function install(): void {
  const packed = spawnSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  expect(packed.status, packed.stderr).toBe(0);
  const [{ filename }] = JSON.parse(packed.stdout) as { filename: string }[];
  mkdirSync(installed, { recursive: true });
  expect(run("tar", "-xzf", filename, "-C", installed, "--strip-components=1").status).toBe(0);
  for (const name of readdirSync(join(root, "node_modules")))
    if (!name.startsWith("."))
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
}

const body = `
openCpu();
const x = requireGrad(tensor([1, 2, 3]));
const [slope] = grad(sum(tanh(x)), [x], { createGraph: true });
const [curvature] = grad(sum(square(slope)), [x]);
console.log(JSON.stringify([typeof DeepPot.load, typeof trainDeepmd, [...curvature.dataSync()]]));
`;
const names = "openCpu, tensor, requireGrad, grad, sum, square, tanh, DeepPot, trainDeepmd";

/** d/dx (1 - tanh^2)^2 */
const wanted = [1, 2, 3].map((x) => -4 * Math.tanh(x) * (1 - Math.tanh(x) ** 2) ** 2);

function expectResults(stdout: string): void {
  const [load, train, curvature] = JSON.parse(stdout) as [string, string, number[]];
  expect([load, train]).toEqual(["function", "function"]);
  curvature.forEach((value, k) => expect(value).toBeCloseTo(wanted[k], 5));
}

describe.skipIf(!isBuilt || !hasTar)(`the package as npm installs it (${needs})`, () => {
  beforeAll(() => {
    install();
    writeFileSync(join(folder, "program.cjs"), `const { ${names} } = require("atomgrad");${body}`);
    writeFileSync(join(folder, "program.mjs"), `import { ${names} } from "atomgrad";${body}`);
  });

  it("holds what it runs with, and nothing of the workshop", () => {
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    const has = (path: string): boolean => files.includes(path);
    for (const path of ["LICENSE", "README.md", "dist/index.cjs", "dist/src/cli/main.js", "native/addon.cc"])
      expect(has(path), path).toBe(true);
    for (const path of ["test", "reference", "build", "src", ".ci"]) expect(has(path), path).toBe(false);
  });

  it.each(["program.cjs", "program.mjs"])("says in %s which command builds a missing addon", (program) => {
    const { status, stderr } = run(process.execPath, program);
    expect(status).toBe(1);
    expect(stderr).toContain(`the native addon for ${system}`);
    expect(stderr).toContain("npm run build:native");
  });

  it.each(["program.cjs", "program.mjs"])("runs %s with a prebuilt addon", (program) => {
    mkdirSync(dirname(prebuilt), { recursive: true });
    copyFileSync(join(root, "build/Release/atomgrad.node"), prebuilt);
    const { status, stdout, stderr } = run(process.execPath, program);
    expect(status, stderr).toBe(0);
    expectResults(stdout);
  });

  it.each([
    ["an ES module", `import("atomgrad").then(({ ${names} }) => {${body}});`],
    ["CommonJS", `const { ${names} } = require("atomgrad");${body}`],
  ])("runs from `node -e` as %s", (_kind, program) => {
    const { status, stdout, stderr } = run(process.execPath, "-e", program);
    expect(status, stderr).toBe(0);
    expectResults(stdout);
  });

  it("runs its command", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const { bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
      bin: Record<string, string>;
    };
    const main = join(installed, bin.atomgrad);
    expect(readFileSync(main, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(run(process.execPath, main, "--version").stdout).toBe(`${version}\n`);
  });

  it.each(["cjs", "mjs"])(
    "opens a DeePMD-kit model, whose reader is imported when it is needed (%s)",
    (kind) => {
      const main = join(installed, "dist/src/cli/main.js");
      const model = join(root, "examples/data/water/model.safetensors");
      const { status: converted, stderr: refusal } = run(
        process.execPath,
        main,
        "convert-backend",
        model,
        "model.dp",
      );
      expect(converted, refusal).toBe(0);
      const open =
        kind === "mjs" ? 'import { DeepPot } from "atomgrad";' : 'const { DeepPot } = require("atomgrad");';
      writeFileSync(
        join(folder, `open.${kind}`),
        `${open} DeepPot.load("model.dp").then((pot) => console.log(pot.typeMap.join()));`,
      );
      const { status, stdout, stderr } = run(process.execPath, `open.${kind}`);
      expect(status, stderr).toBe(0);
      expect(stdout).toBe("O,H\n");
    },
  );

  it("brings types that a strict program compiles with", () => {
    writeFileSync(
      join(folder, "consumer.mts"),
      `import { ${names}, type Tensor, AtomgradError, type EvalResult } from "atomgrad";
openCpu();
const x: Tensor = requireGrad(tensor([1, 2, 3]));
const slopes: readonly Tensor[] = grad(sum(square(tanh(x))), [x]);
const data: ArrayLike<number> = slopes[0].dataSync();
export async function energyOf(path: string): Promise<Float64Array> {
  const pot = await DeepPot.load(path, { precision: "f64" });
  const result: EvalResult = pot.evalSync([0, 0, 0], null, [0]);
  return result.energy;
}
export const steps = async (): Promise<number> => (await trainDeepmd("input.json")).steps;
export const code = (error: unknown): string | undefined => (error instanceof AtomgradError ? error.code : undefined);
// @ts-expect-error a model is named by its path
void DeepPot.load(3);
void data;
`,
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const options = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--module", "nodenext", "--skipLibCheck", "--types", "node"]; // prettier-ignore
    const { status, stdout } = run(process.execPath, tsc, ...options, "consumer.mts");
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });
});
