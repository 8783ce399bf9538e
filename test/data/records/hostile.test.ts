import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LmdbFile, LmdbReader } from "../../../src/data/lmdb/reader.js";
import { writeLmdbSync } from "../../../src/data/lmdb/writer.js";
import { memorySource } from "../../../src/data/read-file.js";
import { decodeMessagePack } from "../../../src/data/records/msgpack.js";
import { OcpLmdb } from "../../../src/data/records/ocp-lmdb.js";
import { readStructures } from "../../../src/data/structures.js";
import { AtomgradError } from "../../../src/tensor/error.js";
import { errorOf, expectOnlyAtomgradError } from "../expect-error.js";
import { joinBytes, put, temporaryFolder } from "../temporary-folder.js";

const folder = temporaryFolder();
const page = 4096;

/** A small database with branch, leaf and overflow pages: root, three leaves, a value of two pages. */
const sample = ((): Uint8Array => {
  const path = join(folder, "sample.lmdb");
  const value = (k: number): Uint8Array => new Uint8Array(k === 5 ? 5000 : 300).fill(k);
  writeLmdbSync(
    path,
    Array.from({ length: 30 }, (_, k) => [String(k), value(k)] as const),
  );
  return readFileSync(path);
})();

const read = (bytes: Uint8Array): number => {
  const reader = new LmdbReader(memorySource(bytes, "bad.lmdb"));
  let sum = 0;
  for (const [key, value] of reader.walk()) {
    sum += reader.read(value).length;
    reader.find(key);
  }
  return sum;
};

/** The sample with a number of `width` bytes replaced. */
function changed(at: number, width: 2 | 4 | 8, value: number): Uint8Array {
  const bytes = Uint8Array.from(sample);
  const view = new DataView(bytes.buffer);
  if (width === 2) view.setUint16(at, value, true);
  else if (width === 4) view.setUint32(at, value, true);
  else view.setBigUint64(at, BigInt(value), true);
  return bytes;
}

/** As `changed`, in both meta pages. */
function inMeta(at: number, width: 2 | 4 | 8, value: number): Uint8Array {
  const bytes = changed(at, width, value);
  bytes.set(bytes.subarray(16, 152), page + 16);
  new DataView(bytes.buffer).setBigUint64(page + 144, 1n, true);
  return bytes;
}

const pages = sample.length / page;
const flagsOf = (number: number): number =>
  new DataView(sample.buffer, sample.byteOffset).getUint16(number * page + 10, true);
const branch = Array.from({ length: pages }, (_, k) => k).find((k) => flagsOf(k) === 1)!;
const leaf = Array.from({ length: pages }, (_, k) => k).find((k) => flagsOf(k) === 2)!;
/** Where the first node of a page stands. */
const node = (number: number): number =>
  number * page + new DataView(sample.buffer, sample.byteOffset).getUint16(number * page + 16, true);

describe("hostile LMDB files", () => {
  it("the sample itself opens, with stale pages behind it too", () => {
    const sum = 29 * 300 + 5000;
    expect(read(sample)).toBe(sum);
    expect(read(joinBytes([sample, new Uint8Array(3 * page).fill(0xa5)]))).toBe(sum);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["data format 2", inMeta(20, 4, 2), /data format 2.*mdb_dump/],
    ["pages of 3 bytes", inMeta(40, 4, 3), /pages of 3 bytes/],
    ["pages of 4 GB", inMeta(40, 4, 0xffffffff), /pages of 4294967295 bytes/],
    ["a root outside the file", inMeta(128, 8, 10 ** 12), /page 1000000000000 lies outside/],
    ["a root that is a meta page", inMeta(128, 8, 1), /page 1 lies outside/],
    ["a branch that leads to itself", changed(node(branch), 2, branch), /page \d+ is reached twice/],
    [
      "a circle in a tree said to be deeper",
      ((): Uint8Array => {
        const bytes = changed(node(branch), 2, branch);
        for (const meta of [0, page]) new DataView(bytes.buffer).setUint16(meta + 88 + 6, 16, true);
        return bytes;
      })(),
      /reached twice|wrong kind/,
    ],
    ["a tree of depth 60000", inMeta(94, 2, 60000), /depth 60000/],
    [
      "two branches to one leaf",
      changed(
        node(branch),
        2,
        new DataView(sample.buffer, sample.byteOffset).getUint16(
          branch * page + new DataView(sample.buffer, sample.byteOffset).getUint16(branch * page + 18, true),
          true,
        ),
      ),
      /reached twice/,
    ],
    ["sorted duplicates", inMeta(92, 2, 4), /flags 4/],
    ["more records than it has", inMeta(120, 8, 31), /holds 30 records.*says 31/],
    ["a leaf with 4,000 nodes", changed(leaf * page + 12, 2, 8016), /damaged/],
    ["a node outside its page", changed(leaf * page + 16, 2, 5000), /lies outside the page/],
    ["a value longer than its page", changed(node(leaf), 2, 4000), /lies outside the page/],
    ["a key longer than its page", changed(node(leaf) + 6, 2, 4090), /lies outside the page/],
    ["no content", new Uint8Array(0), /not an LMDB file/],
    ["zeros", new Uint8Array(8 * page), /not an LMDB file/],
  ])("with %s are refused", (_, bytes, says) => {
    const { code, message } = errorOf(() => read(bytes));
    expect(code).toBe("FORMAT");
    expect(message).toContain("bad.lmdb");
    expect(message).toMatch(says);
  });

  it("a damaged meta page leaves the other one", () => {
    for (const meta of [0, page]) expect(read(changed(meta + 16, 4, 0))).toBe(29 * 300 + 5000);
  });

  it("cut short anywhere give errors only", () => {
    for (let length = 0; length < sample.length; length += 61) {
      expectOnlyAtomgradError(() => read(sample.subarray(0, length)));
    }
  });

  it("with changed bytes give errors or values", () => {
    const used = fc.oneof(
      fc.nat(200),
      fc.nat(sample.length - 1),
      fc.nat(60).map((k) => leaf * page + k),
      fc.nat(60).map((k) => branch * page + k),
    );
    const property = fc.property(
      fc.array(fc.tuple(used, fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const bytes = Uint8Array.from(sample);
        for (const [at, value] of changes) bytes[at] = value;
        expectOnlyAtomgradError(() => read(bytes));
      },
    );
    fc.assert(property, { numRuns: 2000, seed: 20260 });
  });
});

describe("damaged record files", () => {
  const excerpt = readFileSync(join("examples", "data", "oc20", "is2re.lmdb"));

  it("with changed bytes give errors or structures", async () => {
    const path = join(folder, "changed.lmdb");
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(excerpt.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
      async (changes) => {
        const bytes = Uint8Array.from(excerpt);
        for (const [at, value] of changes) bytes[at] = value;
        put(path, bytes);
        try {
          await readStructures(path, { format: "ocp-lmdb" });
        } catch (error) {
          if (!(error instanceof AtomgradError)) throw error;
        }
      },
    );
    await fc.assert(property, { numRuns: 100, seed: 20260 });
  });

  it("name the record that is missing or no pickle", () => {
    const path = join(folder, "records.lmdb");
    writeLmdbSync(path, [
      ["length", Uint8Array.of(0x80, 4, 0x4b, 2, 0x2e)],
      ["0", Uint8Array.of(1, 2, 3)],
      ["7", Uint8Array.of(1)],
    ]);
    const set = new OcpLmdb(path);
    expect(errorOf(() => set.record(0)).message).toMatch(/records\.lmdb, record 0/);
    expect(errorOf(() => set.record(1)).message).toMatch(/record 1: missing/);
    set.close();
  });

  it("MessagePack values of any bytes give errors or values", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) =>
        expectOnlyAtomgradError(() => decodeMessagePack(bytes, "x")),
      ),
      { numRuns: 2000, seed: 20260 },
    );
    expect(errorOf(() => decodeMessagePack(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff), "x")).code).toBe(
      "FORMAT",
    );
    expect(errorOf(() => decodeMessagePack(new Uint8Array(100).fill(0x91), "x")).message).toMatch(
      /nested too deep/,
    );
  });
});

describe("a set of 460,000 records", () => {
  it("opens at once and is walked within two seconds", () => {
    const path = join(folder, "large.lmdb");
    const count = 460_000;
    writeLmdbSync(
      path,
      (function* () {
        const value = Uint8Array.of(0x80, 4, 0x7d, 0x2e);
        for (let k = 0; k < count; k++) yield [String(k), value] as const;
      })(),
    );
    const before = performance.now();
    const set = new OcpLmdb(path);
    expect(set.length).toBe(count);
    for (let k = 0; k < 1000; k++) expect(set.record((k * 7919) % count).size).toBe(0);
    expect(performance.now() - before).toBeLessThan(2000);
    set.close();
    const file = new LmdbFile(path);
    const start = performance.now();
    let records = 0;
    for (const [key] of file.walk()) records += Number(key.length > 0);
    expect(records).toBe(count);
    expect(performance.now() - start).toBeLessThan(2000);
    file.close();
  });
});
