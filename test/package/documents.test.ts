import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../cli/bundle.js";
import { tinyInput } from "../cli/tiny-training.js";

// Blocks that follow the comment <!-- run --> are run as they stand: `ts` as a module against dist, `sh` line by line.
interface Block {
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith(".md"),
);
const blocks: Block[] = documents.flatMap((path) => {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/<!-- run -->\n+```(\w+)\n([\s\S]*?)```/g)].map((match) => ({
    place: `${path}:${text.slice(0, match.index).split("\n").length}`,
    language: match[1],
    text: match[2],
  }));
});
const main = join(root, "dist/src/cli/main.js");
const isBuilt = existsSync(main);
/** Inside the package, so that programs find it under its own name. */
const folder = join(root, "build", `documents-test-${process.pid}`);
const steps = 2000;

/** Runs a Node program in the folder of the examples. */
function run(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
}

/** Runs a line of shell that calls `atomgrad` with plain words. */
function runLine(line: string): void {
  const [program, ...words] = line
    .replace(/\s+#.*$/, "")
    .trim()
    .split(/\s+/);
  expect(program, line).toBe("atomgrad");
  run(main, ...words);
}

/** The files that the documents speak of: an input, the model it trains, the shipped data. */
function prepareFolder(): void {
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(root, "examples"), join(folder, "examples"));
  const input = tinyInput({
    model: { type_map: ["Nb", "Mo", "Ta", "W"] },
    descriptor: { sel: 40, rcut: 4 },
    training: {
      training_data: { systems: ["examples/data/nbmotaw/train/n002"], batch_size: 1 },
      numb_steps: steps,
      save_freq: steps,
      disp_freq: steps,
      save_ckpt: "model.ckpt",
    },
  });
  writeFileSync(join(folder, "input.json"), JSON.stringify(input, null, 2));
  cpSync(join(root, "tsconfig.json"), join(folder, "base.json"));
  const options = { noEmit: true, rootDir: ".", noUnusedLocals: false, types: ["node"] };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "./base.json", compilerOptions: options, include: ["*.mts"] }),
  );
}

describe.skipIf(!isBuilt)("what the documents show (needs `npm run build`)", () => {
  beforeAll(() => {
    prepareFolder();
    run(main, "train", "input.json");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is there", () => {
    expect(new Set(blocks.map((block) => block.language))).toEqual(new Set(["ts", "sh"]));
  });

  it("compiles", () => {
    for (const [k, { language, text }] of blocks.entries())
      if (language === "ts") writeFileSync(join(folder, `block-${k}.mts`), text);
    run(join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json");
  });

  it.each(blocks.map((block, k) => [block.place, block, k] as const))(
    "%s runs",
    (_, { language, text }, k) => {
      if (language === "sh")
        return text
          .split("\n")
          .filter((line) => line.trim() !== "")
          .forEach(runLine);
      const javascript = join(folder, `block-${k}.mjs`);
      writeFileSync(javascript, transformSync(text, { loader: "ts", format: "esm" }).code);
      run(javascript);
    },
  );
});
