import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { writeDeepmdSystem } from "../../src/data/deepmd-npy-write.js";
import { holdOut } from "../../src/train/deepmd/hold-out.js";

/** A system of one atom whose energies are the frames' numbers, in one set. */
function write(folder: string, frames: number): void {
  const numbers = Float64Array.from({ length: frames }, (_, k) => k);
  const cells = Float64Array.from({ length: 9 * frames }, (_, k) =>
    k % 9 === 0 || k % 9 === 4 || k % 9 === 8 ? 5 : 0,
  );
  writeDeepmdSystem(folder, {
    name: folder,
    typeMap: ["H"],
    frameCount: frames,
    atomCount: 1,
    mixed: false,
    types: Int32Array.of(0),
    positions: new Float64Array(3 * frames),
    cells,
    labels: { energy: { width: 1, data: numbers, found: new Uint8Array(frames).fill(1) } },
    setSizes: [frames],
  });
}

const energies = (folder: string): number[] => [...readDeepmdSystem(folder).labels.energy!.data];

describe("holdOut", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "hold-out-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("puts every tenth frame of each system aside and keeps the order of the rest", () => {
    write(join(folder, "all/a"), 25);
    write(join(folder, "all/b"), 5);
    const parts = holdOut(join(folder, "all"), join(folder, "out"));
    expect(parts).toMatchObject({ trainFrames: 28, testFrames: 2, typeMap: ["H"] });
    expect(energies(join(parts.test, "a"))).toEqual([9, 19]);
    const train = energies(join(parts.train, "a"));
    expect(train).toEqual(Array.from({ length: 25 }, (_, k) => k).filter((k) => k % 10 !== 9));
    expect(energies(join(parts.train, "b"))).toEqual([0, 1, 2, 3, 4]);
  });

  it("takes one system folder alone, and its last frame where it is short", () => {
    write(join(folder, "short"), 3);
    const parts = holdOut(join(folder, "short"), join(folder, "out"));
    expect(energies(join(parts.test, "short"))).toEqual([2]);
    expect(energies(join(parts.train, "short")).sort()).toEqual([0, 1]);
  });

  it("refuses data of which nothing can be held out", () => {
    write(join(folder, "one"), 1);
    expect(() => holdOut(join(folder, "one"), join(folder, "out"))).toThrow(/one: no system has two frames/);
  });
});
