import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bwr } from "../../examples/tensor-field-network/pictures.js";
import { trainOnTetris } from "../../examples/tensor-field-network/tetris.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { readNpy, writeNpySync } from "../../src/data/npy.js";
import { expectNear, fixture } from "./fixture.js";

interface Arrays {
  readonly [name: string]: { readonly shape: number[]; readonly data: number[] };
}
interface Article {
  readonly config: Record<string, unknown>;
  readonly inputs: Arrays;
  readonly printed: string[];
  readonly expected: Arrays;
}
const { cases } = fixture<{ cases: Article[] }>("article.json");
const program = new URL("../../dist/examples/tensor-field-network.js", import.meta.url).pathname;
const isBuilt = existsSync(program);
const folder = mkdtempSync(join(tmpdir(), "atomgrad-article-"));

beforeAll(() => openCpu());
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });

/** Writes the inputs of a case; `change` replaces keys of its configuration. */
function write(name: string, { config, inputs }: Article, change: Record<string, unknown> = {}): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), JSON.stringify({ ...config, ...change }));
  for (const [file, { shape, data }] of Object.entries(inputs))
    writeNpySync(join(path, `${file}.npy`), { shape, data: Float64Array.from(data) });
  return path;
}

describe("the article's program (needs a built dist/)", () => {
  it.skipIf(!isBuilt).each(cases.map((c, k) => [k, String(c.config.irreps_input), c] as const))(
    "case %i, %s: every file is e3nn's",
    (k, _irreps, one) => {
      const out = join(folder, `out${k}`);
      const { status, stdout, stderr } = run(write(`in${k}`, one), out);
      expect([status, stdout, stderr]).toEqual([0, "", ""]);
      expect(JSON.parse(readFileSync(join(out, "printed.json"), "utf8"))).toEqual(one.printed);
      expect(readdirSync(out).sort()).toEqual(
        [...Object.keys(one.expected).map((name) => `${name}.npy`), "printed.json"].sort(),
      );
      for (const [name, { shape, data }] of Object.entries(one.expected)) {
        const found = readNpy(join(out, `${name}.npy`));
        expect(found.shape, name).toEqual(shape);
        const tolerance = name.startsWith("dF") ? 1e-10 : name.startsWith("dL") ? 1e-11 : 1e-12;
        expectNear(found.data as Float64Array, data, tolerance, name);
      }
    },
  );

  it.skipIf(!isBuilt)("refuses bad input in one line and writes nothing", () => {
    const bad: [string, RegExp, Record<string, unknown>?][] = [
      ["missing key", /config.json: "activation"/, { activation: undefined }],
      ["unknown key", /config.json.*"?radius"?/, { radius: 1 }],
      ["bad irreps", /unable to convert string "3x9z" into an Irreps/, { irreps: "3x9z" }],
      ["another width", /f_in.npy: has shape \[9,40\], expected \[9,41\]/, { irreps_input: "41x0e" }],
      ["another layer", /layer0.npy: has shape \[10,6\], expected \[10,7\]/, { hidden: 7 }],
      ["another output", /layer1.npy: has shape \[6,400\], expected/, { irreps_output: "1x0e" }],
    ];
    for (const [name, says, change] of bad) {
      const out = join(folder, `${name} out`);
      const { status, stderr } = run(write(name, cases[0], change), out);
      expect(stderr, name).toMatch(says);
      expect(stderr.trim().split("\n").length, name).toBe(1);
      expect([status, existsSync(out)], name).toEqual([1, false]);
    }
    const broken = write("broken", cases[0]);
    writeFileSync(join(broken, "pos.npy"), "not an array");
    const { status, stderr } = run(broken, join(folder, "broken out"));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/pos.npy/)]);
    expect(run("one").status).toBe(1);
  });
});

describe("the article's pictures and training", () => {
  it("colours -1, 0 and 1 blue, white and red", () => {
    expect(Array.from(bwr([-1, -0.5, 0, 0.5, 1]))).toEqual(
      [
        [0, 0, 1],
        [0.5, 0.5, 1],
        [1, 1, 1],
        [1, 0.5, 0.5],
        [1, 0, 0],
      ].flat(),
    );
  });

  it("learns the eight tetris shapes in any rotation and reflection", () => {
    const lines: string[] = [];
    const { accuracy, error } = trainOnTetris((line) => lines.push(line));
    expect(accuracy, lines.join("\n")).toBe(1);
    expect(error).toBeLessThan(1e-10);
  });
});

describe("docs/tensor-field-network.md", () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

  it("shows the program's own lines", () => {
    const lines = new Set(
      read("examples/tensor-field-network.ts")
        .split("\n")
        .map((line) => line.trim()),
    );
    // Blocks after <!-- run --> are programs of their own: test/package/documents.test.ts runs them.
    const text = read("docs/tensor-field-network.md").replace(/<!-- run -->\n```ts\n[\s\S]*?```/g, "");
    const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)];
    expect(blocks.length).toBeGreaterThan(4);
    for (const [, block] of blocks)
      for (const line of block.trim().split("\n")) expect(lines).toContain(line.trim());
  });
});
