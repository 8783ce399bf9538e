import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import type { DeepmdLabel, DeepmdSystem } from "../../src/data/deepmd-system.js";
import type { EvalResult } from "../../src/models/deepmd/deep-pot.js";
import type { Evaluator } from "../../src/models/deepmd/eval-system.js";
import { DetailFiles, savetxtNumber } from "../../src/train/deepmd/test-detail.js";
import { averageErrors, compareSystem, type Comparison } from "../../src/train/deepmd/test-errors.js";
import { formatAverage, formatSystem } from "../../src/train/deepmd/test-report.js";

const fixtures = join(import.meta.dirname, "../fixtures/deepmd/cli");
const excerpt = join(import.meta.dirname, "../../examples/data/nbmotaw/train");

/** The two halves of a detail file: labels and predictions. */
function recorded(file: string): { label: Float64Array; predicted: Float64Array } {
  const rows = readFileSync(join(fixtures, file), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(" ").map(Number));
  const half = rows[0].length / 2;
  return {
    label: Float64Array.from(rows.flatMap((row) => row.slice(0, half))),
    predicted: Float64Array.from(rows.flatMap((row) => row.slice(half))),
  };
}

/** The console text of a recorded `dp test` without time stamps and warnings. */
function consoleText(log: string): string {
  return readFileSync(join(fixtures, log), "utf8")
    .split("\n")
    .filter((line) => line.includes("DEEPMD INFO"))
    .map((line) => line.replace(/^\[.*?\] DEEPMD INFO {4}/, ""))
    .join("\n");
}

function label(data: Float64Array, frames: number): DeepmdLabel {
  return { data, width: data.length / frames, found: new Uint8Array(frames).fill(1) };
}

function system(frames: number, atoms: number, parts: Partial<DeepmdSystem>): DeepmdSystem {
  return {
    name: "made up",
    typeMap: null,
    frameCount: frames,
    atomCount: atoms,
    mixed: false,
    types: new Int32Array(atoms),
    positions: new Float64Array(frames * atoms * 3),
    cells: Float64Array.from({ length: frames * 9 }, (_, k) =>
      Number(k % 9 === 0 || k % 9 === 4 || k % 9 === 8),
    ),
    labels: {},
    setSizes: [frames],
    ...parts,
  };
}

/** A potential that answers with given numbers. */
function fake(answer: Partial<EvalResult>): Evaluator {
  const empty = new Float64Array(0);
  return { evalSync: () => ({ energy: empty, force: empty, virial: empty, ...answer }) };
}

/** A recorded system whose labels and predictions stand in PREFIX.e.out and PREFIX.f.out. */
function comparison(prefix: string, frames: number, atoms: number): Comparison {
  const energy = recorded(`${prefix}.e.out`);
  const force = recorded(`${prefix}.f.out`);
  const data = system(frames, atoms, {
    labels: { energy: label(energy.label, frames), force: label(force.label, frames) },
  });
  return compareSystem(fake({ energy: energy.predicted, force: force.predicted }), data, frames);
}

/** detail.two.* holds data/a (2 frames of 2 atoms), then data/b (2 frames of 8 atoms). */
function two(): [Comparison, Comparison] {
  const energy = recorded("detail.two.e.out");
  const force = recorded("detail.two.f.out");
  const part = (atoms: number, frame: number, atom: number): Comparison => {
    const cut = (x: Float64Array, start: number, width: number): Float64Array =>
      x.slice(start, start + 2 * width);
    const labels = {
      energy: label(cut(energy.label, frame, 1), 2),
      force: label(cut(force.label, atom * 3, atoms * 3), 2),
    };
    const pot = fake({
      energy: cut(energy.predicted, frame, 1),
      force: cut(force.predicted, atom * 3, atoms * 3),
    });
    return compareSystem(pot, system(2, atoms, { labels }), 2);
  };
  return [part(2, 0, 0), part(8, 2, 4)];
}

function printed(names: readonly string[], all: readonly Comparison[]): string {
  const errors = all.map((one) => one.errors);
  const systems = names.map((name, k) => formatSystem(name, errors[k]));
  return [...systems, formatAverage(averageErrors(errors), names.length)].join("\n");
}

describe("summary of test", () => {
  it("prints what dp test prints for one system", () => {
    expect(printed(["data/b"], [comparison("detail.one", 3, 8)])).toBe(consoleText("test-one.log"));
  });

  it("averages several systems with dp's weights", () => {
    expect(printed(["data/a", "data/b"], two())).toBe(consoleText("test-two.log"));
  });

  it("leaves out lines without labels", () => {
    const energy = recorded("detail.noforce.e.out");
    const data = system(2, 8, { labels: { energy: label(energy.label, 2) } });
    const compared = compareSystem(fake({ energy: energy.predicted, force: new Float64Array(48) }), data, 2);
    expect(printed(["noforce"], [compared])).toBe(consoleText("test-noforce.log"));
  });

  it("prints virial and stress where there are labels and cells", () => {
    expect(printed(["virial"], [withVirial()])).toBe(consoleText("test-virial.log"));
  });

  it("counts virtual atoms as dp test does: forces of 0 among the others", () => {
    const energy = recorded("detail.virtual.e.out");
    const force = recorded("detail.virtual.f.out");
    const types = Int32Array.from({ length: 20 }, (_, k) => (k % 10 < 8 ? 0 : -1));
    const data = system(2, 10, {
      mixed: true,
      types,
      labels: { energy: label(energy.label, 2), force: label(force.label, 2) },
    });
    const compared = compareSystem(fake({ energy: energy.predicted, force: force.predicted }), data, 2);
    expect(printed(["virtual"], [compared])).toBe(consoleText("test-virtual.log"));
  });

  it("compares only frames that have the label, and weights forces by atom_pref", () => {
    const half = (data: number[]): DeepmdLabel => ({
      data: Float64Array.from(data),
      width: data.length / 2,
      found: Uint8Array.of(1, 0),
    });
    const labels = {
      energy: half([1, 0]),
      force: half([0, 0, 0, 9, 9, 9]),
      atom_pref: half([1, 1, 2, 0, 0, 0]),
    };
    const pot = fake({ energy: Float64Array.of(3, 7), force: Float64Array.of(1, 1, 3, 0, 0, 0) });
    const { measures } = compareSystem(pot, system(2, 1, { labels }), 2).errors;
    expect(measures.energy).toEqual({ mae: 2, rmse: 2, count: 1 });
    expect(measures.weightedForce).toEqual({ mae: 2, rmse: Math.sqrt(5), count: 4 });
  });

  it("says how many frames there are: types per frame without cells do not tell", () => {
    const seen: (number | undefined)[] = [];
    const pot: Evaluator = {
      evalSync: (coords, _cells, _types, options) => {
        seen.push(coords.length, options?.frames);
        return { energy: new Float64Array(3), force: new Float64Array(18), virial: new Float64Array(27) };
      },
    };
    const data = system(3, 2, { mixed: true, types: new Int32Array(6), cells: null });
    compareSystem(pot, data, 3);
    expect(seen).toEqual([18, 3]);
  });
});

/** The recorded virial system: two frames of the excerpt, found by their energies. */
function withVirial(): Comparison {
  const energy = recorded("detail.virial.e.out");
  const force = recorded("detail.virial.f.out");
  const virial = recorded("detail.virial.v.out");
  const source = readDeepmdSystem(join(excerpt, "n008"));
  const cells = [...energy.label].flatMap((value) => {
    const frame = source.labels.energy!.data.findIndex((e) => Math.abs(e - value) < 1e-9);
    return [...source.cells!.subarray(frame * 9, frame * 9 + 9)];
  });
  const data = system(2, 8, {
    cells: Float64Array.from(cells),
    labels: { energy: label(energy.label, 2), force: label(force.label, 2), virial: label(virial.label, 2) },
  });
  const pot = fake({ energy: energy.predicted, force: force.predicted, virial: virial.predicted });
  return compareSystem(pot, data, 2);
}

describe("detail files", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "detail-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function sameAsRecorded(prefix: string, files: readonly string[]): void {
    for (const file of files)
      expect(readFileSync(join(folder, `${prefix}.${file}.out`), "utf8"), file).toBe(
        readFileSync(join(fixtures, `detail.${prefix}.${file}.out`), "utf8"),
      );
  }

  it("are dp's, byte for byte, systems one after the other", () => {
    const [a, b] = two();
    const detail = new DetailFiles(join(folder, "two"));
    detail.add("data/a", a);
    detail.add("data/b", b);
    expect(readdirSync(folder)).toEqual([]);
    detail.write();
    sameAsRecorded("two", ["e", "e_peratom", "f"]);
    expect(existsSync(join(folder, "two.v.out"))).toBe(false);
  });

  it("hold virials and stresses where there are labels", () => {
    const detail = new DetailFiles(join(folder, "virial"));
    detail.add("virial", withVirial());
    detail.write();
    sameAsRecorded("virial", ["e", "e_peratom", "f", "v", "v_peratom"]);
    // numpy's determinant rounds otherwise: words and layout agree, numbers to the last digits
    const own = readFileSync(join(folder, "virial.s.out"), "utf8");
    const peer = readFileSync(join(fixtures, "detail.virial.s.out"), "utf8");
    const numbers = /-?\d\.\d{18}e[+-]\d\d/g;
    expect(own.replaceAll(numbers, "#")).toBe(peer.replaceAll(numbers, "#"));
    const [a, b] = [own, peer].map((text) => text.match(numbers)!.map(Number));
    a.forEach((value, k) => expect(Math.abs(value - b[k])).toBeLessThanOrEqual(1e-14 * Math.abs(b[k])));
  });

  it.each([
    [1, "1.000000000000000000e+00"],
    [-0, "-0.000000000000000000e+00"],
    [0.1, "1.000000000000000056e-01"],
    [-1.5e300, "-1.500000000000000079e+300"],
    [1 + 2 ** -19, "1.000001907348632812e+00"],
    [1 + 3 * 2 ** -19, "1.000005722045898438e+00"],
    [NaN, "nan"],
    [-Infinity, "-inf"],
  ])("write %f as C does", (value, text) => {
    expect(savetxtNumber(value)).toBe(text);
  });
});
