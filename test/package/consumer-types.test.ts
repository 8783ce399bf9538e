import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../cli/bundle.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const isBuilt = existsSync(join(root, "dist/commonjs/package.json"));
const folder = temporaryFolder();

const use = `
const system: Structure = makeStructure({ atomicNumbers: Int32Array.of(8), positions: new Float64Array(3) });
const energy: number | null = system.energy;
const flag: boolean = array.data.length > 0 && energy === null;
// @ts-expect-error: an array has no such field
array.shapes;
console.log(flag);
`;
const array = `const array: NpyArray = readNpy("x.npy", { mmapMode: "c" });`;
const programs = {
  "types.mts": `import { makeStructure, type NpyArray, readNpy, type Structure } from "atomgrad";\n${array}${use}`,
  "types.cts": `import { makeStructure, type NpyArray, readNpy, type Structure } from "atomgrad";\n${array}${use}`,
  "required.cts": `import atomgrad = require("atomgrad");\nimport testing = require("atomgrad/testing");
type Structure = atomgrad.Structure; type NpyArray = atomgrad.NpyArray;
const { makeStructure, readNpy } = atomgrad;\n${array}${use}console.log(testing);`,
};

/** Compiles the programs as somebody's project does, libraries' declarations included; gives what the compiler says. */
function compile(module: string): string {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  for (const [name, target] of [
    ["atomgrad", root],
    ["@types", join(root, "node_modules", "@types")],
  ] as const)
    if (!existsSync(join(folder, "node_modules", name)))
      symlinkSync(target, join(folder, "node_modules", name), "junction");
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "package.json"), "{}");
  const compilerOptions = {
    module,
    target: "es2022",
    lib: ["es2023", "dom"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: Object.keys(programs) }),
  );
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  return spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout;
}

describe.skipIf(!isBuilt)("the package's types (needs `npm run build`)", () => {
  it.each(["node16", "nodenext"])(
    "compile in ES modules and in CommonJS under module %s",
    (module) => expect(compile(module)).toBe(""),
    60_000,
  );
});
