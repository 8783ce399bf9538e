import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inflate } from "../../src/data/inflate.js";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import { writeLmdbSync } from "../../src/data/lmdb/writer.js";
import { readNpy, writeNpySync } from "../../src/data/npy.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { inspectDeepmdModel } from "../../src/models/inspect-weights.js";
import { errorOf } from "../data/expect-error.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = temporaryFolder();
const fixtures = join("test", "fixtures");

function packed(name: string, ...members: (Uint8Array | string)[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(members.map((member) => gzipSync(member))));
  return path;
}

describe("gzip is transparent, several members too", () => {
  const files = [
    ...["ani.h5", "system.hdf5", "batch.pt", "graphs.pkl", "graphs.pt", "dimenet.npz", "md17.npz", "run.traj", "frames.extxyz"].map((name) => join("formats", "peers", name)), // prettier-ignore
    ...["OUTCAR", "vasprun.xml", "XDATCAR"].map((name) => join("formats", "vasp", name)),
    ...["zip.pt", "legacy.pt", "script.pt", "model.safetensors", "packed.npz", "numpy0.pkl", "numpy5.pkl", "graph.pb", "graph.pbtxt"].map((name) => join("weights", name)), // prettier-ignore
    join("deepmd", "train10-concat.dp"),
    join("deepmd", "train10-concat-smooth.yaml"),
  ];

  it.each(files)("%s", async (name) => {
    const bytes = readFileSync(join(fixtures, name));
    const half = bytes.length >> 1;
    const path = packed(`${basename(name)}.gz`, bytes.subarray(0, half), bytes.subarray(half));
    const options = { hash: true, readers: [inspectDeepmdModel] };
    expect(await inspectFile(path, options)).toEqual(await inspectFile(join(fixtures, name), options));
  });

  it("LMDB records", async () => {
    const frames = await readStructures(join(fixtures, "formats", "peers", "frames.extxyz"));
    await writeStructures(join(folder, "is2re.lmdb"), frames.slice(0, 2));
    const path = packed("is2re.lmdb.gz", readFileSync(join(folder, "is2re.lmdb")));
    expect(await inspectFile(path)).toEqual(await inspectFile(join(folder, "is2re.lmdb")));
  });

  it("an npy file, which cannot be mapped then", () => {
    const array = { shape: [3], data: Float64Array.of(1, 2, 3) };
    writeNpySync(join(folder, "a.npy"), array);
    const path = packed("a.npy.gz", readFileSync(join(folder, "a.npy")));
    expect(readNpy(path)).toMatchObject(array);
    expect(errorOf(() => readNpy(path, { mmapMode: "c" })).message).toMatch(/a\.npy\.gz.*it is packed/);
  });
});

describe("files made to fill memory are refused before they do", () => {
  const head = "data_x\n_cell_length_a 4\nloop_\n_atom_site_type_symbol\n_atom_site_fract_x\n";

  it.each([
    ["bomb.cif.gz", head + "H 0\n".repeat(1 << 24)],
    ["bomb.extxyz.gz", "0\n\n".repeat(1 << 24)],
    ["bomb.jsonl.gz", `{"pos":${"[".repeat(1 << 25)}`],
  ])("%s", async (name, text) => {
    const path = packed(name, text);
    await expect(inspectFile(path)).rejects.toThrow(/packed bytes unpack to more than \d+ MiB/);
  });

  it("brackets within brackets", async () => {
    const path = join(folder, "deep.jsonl");
    writeFileSync(path, `{"pos":${"[".repeat(1 << 22)}`);
    await expect(inspectFile(path)).rejects.toThrow(/deep\.jsonl: line 1: values are nested too deeply/);
  });

  it("a row of ASE-LMDB", async () => {
    const path = join(folder, "bomb.aselmdb");
    const bomb = deflated(`{"numbers":${"[".repeat(1 << 26)}`);
    writeLmdbSync(path, [["1", bomb], ["nextid", deflated("2")]]); // prettier-ignore
    await expect(inspectFile(path)).rejects.toThrow(/bomb\.aselmdb, row 1/);
  });
});

/** zlib's form, by way of gzip's. */
function deflated(text: string): Uint8Array {
  const raw = gzipSync(text, { level: 9 }).subarray(10, -8);
  let [a, b] = [1, 0];
  for (const byte of Buffer.from(text)) [a, b] = [(a + byte) % 65521, (a + b + byte) % 65521];
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(((b << 16) | a) >>> 0);
  return Buffer.concat([Buffer.of(0x78, 0x9c), raw, sum]);
}

describe("a loop over packed files without a turn of the event loop", () => {
  const text = Array.from({ length: 200 }, (_, k) => Math.sin(k)).join(" ");
  const good = gzipSync(text);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["good ones", good],
    ["cut ones", good.subarray(0, -9)],
    ["ones with a wrong sum", good.map((byte, k) => (k === good.length - 6 ? byte ^ 1 : byte))],
  ];

  it.each(cases)("%s: the memory of one", (_, bytes) => {
    const unpack = (count: number): void => {
      for (let k = 0; k < count; k++) {
        try {
          inflate("gzip", bytes, 1 << 20);
        } catch {
          // Damaged ones are refused.
        }
      }
    };
    unpack(8000);
    const before = process.memoryUsage().rss;
    unpack(24_000);
    // Node's gunzipSync keeps some 9 KiB of each damaged one: 210 MiB.
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(80);
  });
});
