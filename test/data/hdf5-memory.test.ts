import { describe, expect, it, vi } from "vitest";
import { fuzzReader } from "../campaign/fuzz-reader.js";
import { readerSeeds } from "../campaign/reader-seeds.js";
import { temporaryFolder } from "./temporary-folder.js";

describe("damaged HDF5 files", () => {
  it("leave neither memory nor prints behind", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const seeds = await readerSeeds(temporaryFolder());
    const ani = seeds.find(({ name }) => name === "ani-hdf5")!;
    // Long enough that instances left behind by broken files would be seen: they took 140 MiB together.
    const { refused, grown_mib } = await fuzzReader(ani, 31, 3000);
    expect(refused).toBeGreaterThan(300);
    expect(grown_mib).toBeLessThan(80);
    expect(printed).not.toHaveBeenCalled();
    await ani.prepare?.();
    expect(await ani.read()).toBeGreaterThan(0);
    printed.mockRestore();
  });
});
