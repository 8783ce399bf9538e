import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Cell } from "../../src/geometry/cell.js";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { readStructures } from "../../src/data/structures.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";

const fixtures = join("test", "fixtures", "formats", "vasp");
const folder = temporaryFolder();
const text = (name: string): string => readFileSync(join(fixtures, name), "utf8");

interface PeerFrame {
  readonly numbers?: number[];
  readonly cell?: number[];
  readonly positions: number[];
  readonly free_energy?: number;
  readonly energy_sigma0?: number;
  readonly forces?: number[];
  readonly stress?: number[];
}

const peers = JSON.parse(text("expected.json")) as Record<"ase" | "pymatgen", Record<string, PeerFrame[]>>;

function expectClose(found: ArrayLike<number> | null, wanted: ArrayLike<number>, within: number): void {
  expect(found?.length).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++) expect(Math.abs(found![k] - wanted[k])).toBeLessThan(within);
}

const cases = (["ase", "pymatgen"] as const).flatMap((peer) =>
  Object.entries(peers[peer]).map(([name, frames]) => [name, peer, frames] as const),
);

describe("VASP's files", () => {
  it.each(cases)("%s is read as %s reads it", async (name, _, wanted) => {
    const frames = await readStructures(join(fixtures, name));
    expect(frames.length).toBe(wanted.length);
    frames.forEach((frame, k) => {
      const peer = wanted[k];
      expectClose(frame.positions, peer.positions, 1e-9);
      expect(frame.pbc).toEqual([true, true, true]);
      if (peer.numbers !== undefined) expect([...frame.atomicNumbers]).toEqual(peer.numbers);
      if (peer.cell !== undefined) expectClose(frame.cell, peer.cell, 1e-12);
      if (peer.free_energy !== undefined) expect(frame.energy).toBeCloseTo(peer.free_energy, 9);
      if (peer.energy_sigma0 !== undefined)
        expect((frame.info.get("energy_sigma0") ?? frame.info.get("e_0_energy"))!.data[0]).toBeCloseTo(
          peer.energy_sigma0,
          9,
        );
      if (peer.forces !== undefined) expectClose(frame.forces, peer.forces, 1e-12);
      // The constants of the peers differ in the ninth digit.
      if (peer.stress !== undefined) expectClose(frame.stress, peer.stress, 1e-8);
    });
  });

  it("energies of a run under pressure are energies, not enthalpies", async () => {
    const under = text("vasprun.xml").replace(
      "</incar>",
      '<i name="PSTRESS">     20.00000000</i>\n </incar>',
    );
    const plain = await readStructures(join(fixtures, "vasprun.xml"));
    const [first] = await readStructures(put(join(folder, "pressed", "vasprun.xml"), under));
    const volume = new Cell(first.cell, true).volume;
    expect(plain[0].energy! - first.energy!).toBeCloseTo((20 * volume) / 1602.176634, 9);
  });

  it("names are told from the content, whatever the file is called", async () => {
    for (const [name, copy] of [
      ["OUTCAR", "run.out"],
      ["vasprun.xml", "step1.xml"],
      ["XDATCAR", "path.txt"],
    ])
      expect(await readStructures(put(join(folder, copy), text(name)))).toHaveLength(3);
  });

  it("titles in Latin-1 and Fortran's joined columns are read", async () => {
    const bytes = Buffer.from(text("XDATCAR").replace("titania", "séléniure"), "latin1");
    const [frame] = await readStructures(put(join(folder, "latin", "XDATCAR"), bytes));
    expect(frame.info.get("comment")!.data).toEqual(["séléniure"]);
    const joined = text("OUTCAR").replaceAll(/(\d\.\d{9}) -(?=\d)/g, "$1-");
    expect(joined).not.toBe(text("OUTCAR"));
    expect((await readStructures(put(join(folder, "joined", "OUTCAR"), joined)))[0].cell).toEqual(
      (await readStructures(join(fixtures, "OUTCAR")))[0].cell,
    );
  });

  it.each<[string, string, string, RegExp]>([
    ["OUTCAR", "IONS = ", "IONS = 9", /ions per type .* NIONS/],
    ["OUTCAR", "ions per type =               2   3", "ions per type =   2 999999999", /ions per type/],
    ["OUTCAR", "in kB", "in kB x", /six components/],
    ["OUTCAR", "TOTEN  =      -", "TOTEN  =      *", /where an energy is expected/],
    ["vasprun.xml", "<rc><c>Ti</c>", "<rc><c>Qq</c>", /"Qq" is no element/],
    ["vasprun.xml", "</calculation>", "</oops>", /<\/oops> stands where <\/calculation>/],
    ["vasprun.xml", "<modeling>", "<modeling><!DOCTYPE x>", /DOCTYPE.*no tag/],
    ["XDATCAR", "Ti   O", "Ti", /one number for each/],
    ["XDATCAR", "     2     3", "     2     x", /one number for each/],
    ["XDATCAR", "     2     3", "     2     99999999", /more than a file/],
  ])("%s with %s as %s is refused", async (name, good, bad, says) => {
    const changed = text(name).replace(good, bad);
    expect(changed).not.toBe(text(name));
    const path = put(join(folder, "bad", name), changed);
    await expect(readStructures(path, { format: name.replace(".xml", "").toLowerCase() })).rejects.toThrow(
      says,
    );
  });

  it("an OUTCAR that ends early: its whole steps and a note, never a step less in silence", async () => {
    const whole = text("OUTCAR");
    const frames = await readStructures(join(fixtures, "OUTCAR"));
    const path = join(folder, "running", "OUTCAR");
    const ends = [...whole.matchAll(/^ *energy {2}without entropy *=.*\n/gm)];
    const [firstEnd, secondEnd] = ends.map(({ index, 0: { length } }) => index + length + 1);
    const last = whole.indexOf("General timing and accounting informations");
    for (let length = firstEnd; length < whole.length; length += 11) {
      const notes: string[] = [];
      put(path, whole.slice(0, length));
      const found = await readStructures(path, { onNote: (note) => notes.push(note) });
      expect(found).toEqual(frames.slice(0, found.length));
      expect(found.length).toBeGreaterThanOrEqual(length > secondEnd ? 2 : 1);
      expect(notes.length, `${length}`).toBe(length < last + 42 ? 1 : 0);
      if (length < last) expect(notes[0]).toMatch(/^OUTCAR: ends early.* \d whole ionic steps were read$/);
    }
    put(path, whole.slice(0, firstEnd - 300));
    await expect(readStructures(path)).rejects.toThrow(/^OUTCAR: .*no whole step to read$/);
    put(path, whole.slice(0, secondEnd));
    const { frames: count, suspicious } = (await inspectFile(path)) as StructureReport;
    expect(suspicious.at(-1)).toMatchObject({ frame: count, code: "ends-early" });
  });

  it.each(["OUTCAR", "vasprun.xml", "XDATCAR"])(
    "%s cut anywhere gives whole steps or an error",
    async (name) => {
      const whole = text(name);
      const format = name.replace(".xml", "").toLowerCase();
      const frames = await readStructures(join(fixtures, name));
      const path = join(folder, "cut", name);
      for (let length = 0; length < whole.length - 1; length += 3) {
        put(path, whole.slice(0, length));
        try {
          const found = await readStructures(path, { format });
          found.forEach((frame, k) => {
            expect(frame.positions).toEqual(frames[k].positions);
            expect([frame.energy, frame.forces]).toEqual([frames[k].energy, frames[k].forces]);
          });
        } catch (error) {
          if (!(error instanceof AtomgradError)) throw error;
          expect(error.message).toContain(name);
        }
      }
    },
  );
});
