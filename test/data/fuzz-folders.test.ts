import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fuzzFolders } from "../campaign/fuzz-folders.js";
import { temporaryFolder } from "./temporary-folder.js";

const folder = temporaryFolder();
const shared = existsSync(join("..", "shared", "data", "deepmd-water"));

describe("damaged data sets of DeePMD-kit", () => {
  it(`400 of them${shared ? "" : " (without the shared water and molecules)"}: finite numbers or one good message`, async () => {
    const { used, refused, seeds } = await fuzzFolders(20, 400, join(folder, "set"));
    expect(used).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(200);
    expect(seeds).toEqual(expect.arrayContaining(["alloys", "plain", "hdf5", "lmdb"]));
  });
});
