import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { modelSeeds } from "../campaign/model-seeds.js";
import { temporaryFolder } from "./temporary-folder.js";

/** A good model file, whose text lies in a global heap, with this done to the heap's first object (at 16 bytes from its begin). */
async function changed(change: (object: DataView) => void): Promise<string> {
  const { file } = (await modelSeeds(temporaryFolder())).find(({ name }) => name === "deepmd-dp")!;
  const bytes = readFileSync(file);
  const heap = bytes.indexOf("GCOL");
  expect(heap).toBeGreaterThan(0);
  change(new DataView(bytes.buffer, bytes.byteOffset + heap + 16));
  const path = join(temporaryFolder(), "model.dp");
  writeFileSync(path, bytes);
  return path;
}

describe("heaps of HDF5 that the library would not come to the end of", () => {
  const damages: readonly [string, (object: DataView) => void][] = [
    ["free space of no size", (object) => [0, 8].forEach((at) => object.setBigUint64(at, 0n))],
    [
      "free space smaller than its head",
      (object) => (object.setUint16(0, 0), object.setBigUint64(8, 8n, true)),
    ],
    ["an object of 2^32 - 16 bytes", (object) => object.setBigUint64(8, 2n ** 32n - 16n, true)],
    ["an object of 2^64 - 16 bytes", (object) => object.setBigUint64(8, 2n ** 64n - 16n, true)],
  ];
  it.each(damages)("%s: the file is refused", async (_, damage) => {
    const path = await changed(damage);
    await expect(DeepPot.load(path)).rejects.toThrow(/^model\.dp: not a readable HDF5 file; it is damaged/);
  });

  it("a good file opens after them", async () => {
    (await DeepPot.load(await changed(() => undefined))).dispose();
  });
});
