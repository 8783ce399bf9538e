import { describe, expect, it } from "vitest";
import { fuzzReader } from "../campaign/fuzz-reader.js";
import { readerSeeds, type ReaderSeed } from "../campaign/reader-seeds.js";
import { temporaryFolder } from "../data/temporary-folder.js";

/** Repeats the same inputs each time; the campaign `fuzz-readers` takes new ones. */
const seed = 20260;
const runs = 2000;

/** A test for each reader of a kind. */
export async function fuzzEveryReader(kind: ReaderSeed["kind"]): Promise<void> {
  const seeds = (await readerSeeds(temporaryFolder())).filter((one) => one.kind === kind);
  describe(`${runs} changed files are read or refused`, () => {
    it.each(seeds.map((one) => [one.name, one] as const))("%s", async (_, one) => {
      const { read, refused } = await fuzzReader(one, seed, runs);
      expect(read + refused).toBe(runs);
      expect(refused).toBeGreaterThan(runs / 10);
    });
  });
}
