import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { OutsideSubset, TooLarge, parseYamlBlock } from "../../src/models/deepmd/serialize/yaml-block.js";
import { formatYamlTree, parseYamlTree } from "../../src/models/deepmd/serialize/yaml.js";
import { ndArray } from "../../src/models/deepmd/serialize/tree.js";
import type { Tree } from "../../src/models/deepmd/serialize/tree.js";
import { errorOf, expectOnlyAtomgradError } from "../data/expect-error.js";

const sample = `'@class': Model
'@variables': {}
davg: &id001
  '@class': np.ndarray
  '@is_variable': true
  dtype: float64
  value:
  - - 0.05
    - -1.0e-05
  - - 1
    - .inf
dstd: *id001
"empty": []
layers:
- name: a b/c
  idt: null
-
  - 1
  - &x
    k: 'it: is'
- *x
none:
time: "2024-11-12 20:54:08.6+00:00"
version: 3.0.0b5.dev48+gd46d5f0b7
`;

describe("the block reader", () => {
  it("reads what PyYAML writes as the general reader does", () => {
    expect(parseYamlBlock(sample)).toEqual(parseDocument(sample).toJS());
    expect(parseYamlBlock(sample.replaceAll("\n", "\r\n"))).toEqual(parseYamlBlock(sample));
    expect(parseYamlBlock("")).toBeNull();
    expect(parseYamlBlock("---\na: 1\n")).toEqual({ a: 1 });
  });

  it("leaves the rest of YAML alone", () => {
    const others = [
      "a: [1, 2]",
      "a: {b: 1}",
      "a: |\n  x\n",
      "a: 1 # c",
      "? a\n: b",
      "a: 0x1F",
      "a: 1_000",
      "a: x\n  y",
      "a: 1\na: 2",
    ];
    const more = [
      "a: !!str 1",
      "a: *b",
      "- 1\n b: 2",
      "a:\n- 1\n  - 2",
      "\ta: 1",
      "a: 2001-12-14",
      '"a\\n": 1',
      "<<: 1",
      "a: True",
    ];
    for (const text of [...others, ...more]) expect(() => parseYamlBlock(text), text).toThrow(OutsideSubset);
    expect(parseYamlTree("a: [1, {b: 2}] # c\n", "x.yaml")).toEqual({ a: [1, { b: 2 }] });
  });

  it("never reads anything differently", () => {
    const insertion = fc.constantFrom(
      "",
      " ",
      "  ",
      "\n",
      "- ",
      ": ",
      ":",
      "-",
      "'",
      '"',
      "1",
      "a",
      "&id001",
      "*id001",
      "[",
      "{}",
      "#",
      "~",
    );
    fc.assert(
      fc.property(fc.nat(sample.length), insertion, fc.nat(4), (place, inserted, removed) => {
        const text = sample.slice(0, place) + inserted + sample.slice(place + removed);
        let read: unknown;
        try {
          read = parseYamlBlock(text);
        } catch (error) {
          expect(error).toBeInstanceOf(OutsideSubset);
          return;
        }
        const document = parseDocument(text, { logLevel: "silent" });
        expect(document.errors.map((error) => error.message)).toEqual([]);
        expect(read).toEqual(document.toJS());
      }),
      { numRuns: 3000 },
    );
  });

  it("stops what is too deep", () => {
    expect(() => parseYamlBlock("- ".repeat(100))).toThrow(TooLarge);
    expect(errorOf(() => parseYamlTree("- ".repeat(100000), "x.yaml")).message).toMatch(
      /too large or too deep/,
    );
    expectOnlyAtomgradError(() => parseYamlTree("[".repeat(5000), "x.yaml"));
  });

  it("reads a large model quickly", () => {
    const rows = Array.from({ length: 200000 }, (_, k) => `  - - ${k}.5\n    - -1.0e-05`).join("\n");
    const text = `w:\n  '@class': np.ndarray\n  dtype: float64\n  value:\n${rows}\n`;
    const start = performance.now();
    expect(parseYamlTree(text, "x.yaml")).toMatchObject({ w: { shape: [200000, 2] } });
    expect(performance.now() - start).toBeLessThan(8000);
  });
});

describe("trees of .yaml models", () => {
  it("shares aliases instead of multiplying them", () => {
    const lines = ["a0: &a0\n  x: 1"];
    for (let k = 1; k < 60; k++) lines.push(`a${k}: &a${k}\n  l: *a${k - 1}\n  r: *a${k - 1}`);
    const tree = parseYamlTree(`${lines.join("\n")}\n`, "x.yaml") as Record<string, Record<string, unknown>>;
    expect(tree.a59.l).toBe(tree.a58);
    expect(tree.a59.r).toBe(tree.a58);
  });

  it("refuses arrays that are none", () => {
    const array = (dtype: string, value: string): string =>
      `w:\n  '@class': np.ndarray\n  dtype: ${dtype}\n  value:${value}\n`;
    const cases: [string, RegExp][] = [
      [array("object", " 1"), /w: an array of type "object"; numbers are needed/],
      [array("float64", "\n  - - 1\n    - 2\n  - - 1"), /w: an array whose rows differ in length/],
      [array("float64", "\n  - 1\n  - - 2"), /w: an array that holds something else than numbers/],
      [array("float64", "\n  - a"), /something else than numbers/],
      ["w:\n  '@class': np.ndarray\n  dtype: float64\n", /w: an array without value/],
    ];
    for (const [text, says] of cases)
      expect(errorOf(() => parseYamlTree(text, "x.yaml")).message).toMatch(says);
  });

  it("gives back every tree", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    const array = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }).chain((shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return fc.array(fc.double(), { minLength: size, maxLength: size }).map((data) => ndArray(shape, data));
    });
    const key = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom("@class", "- a", "a: b", "null", "yes", "1"),
    );
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Tree[]>(
          null,
          true,
          false,
          "",
          "no",
          "1e3",
          "- x",
          "x: y",
          "é\n",
          "it's",
          "&a",
          "[]",
          " a ",
        ),
        number,
        fc.integer(),
        fc.string(),
        array,
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(
          key.filter((name) => name !== "__proto__"),
          tie("tree"),
          { maxKeys: 3 },
        ),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const section: Tree = { root: value };
        expect(parseYamlTree(formatYamlTree(section), "x.yaml")).toEqual(section);
      }),
      { numRuns: 400 },
    );
  });

  it("writes real numbers so that PyYAML reads numbers", () => {
    const text = formatYamlTree({ w: ndArray([5], [1, 1e-7, 1e21, -0, NaN]), i: 3, e: 1e-5, big: 1e22 });
    expect(text).toMatch(
      /^- |value:\n {2}- 1\.0\n {2}- 1\.0e-7\n {2}- 1\.0e\+21\n {2}- -0\.0\n {2}- \.nan\n/m,
    );
    expect(text).toMatch(/^big: 1\.0e\+22\ne: 0\.00001\ni: 3\n/);
  });
});
