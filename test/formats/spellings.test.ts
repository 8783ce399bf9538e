import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import { readStructures } from "../../src/data/structures.js";
import { readerSeeds } from "../campaign/reader-seeds.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const folder = join(temporaryFolder(), "é ü 原子");
mkdirSync(folder);
const seeds = (await readerSeeds(temporaryFolder())).filter(
  ({ kind, name }) => kind === "text" && !name.includes("."),
);

/** The same text as other editors and systems leave it. */
const spellings: Readonly<Record<string, (text: string) => string>> = {
  CRLF: (text) => text.replaceAll("\n", "\r\n"),
  "a byte order mark": (text) => `\u00ef\u00bb\u00bf${text}`,
  "no end of the last line": (text) => text.replace(/\n+$/, ""),
  "blank lines at the end": (text) => `${text}\n\n  \n\n`,
  "CRLF and blank lines at the end": (text) => `${text}\n\n`.replaceAll("\n", "\r\n"),
  "blanks at the ends of lines": (text) => text.replace(/([^"\n])\n/g, "$1 \t\n"),
};

describe.each(seeds.map((seed) => [seed.name, seed] as const))("%s", (format, { file, good }) => {
  const path = join(folder, basename(file));
  const text = Buffer.from(good).toString("latin1");
  const structures = async (bytes: Uint8Array, at = path): Promise<unknown> => {
    writeFileSync(at, bytes);
    expect(await inspectFile(at)).toMatchObject({ format });
    return readStructures(at);
  };

  // Blanks at the end of a header of CSV belong to the name of its last column.
  const usual = Object.entries(spellings).filter(([what]) => format !== "csv" || !what.startsWith("blanks"));
  it.each(usual)("is the same with %s", async (_, spelled) => {
    expect(await structures(Buffer.from(spelled(text), "latin1"))).toEqual(await structures(good));
  });

  it("is the same packed, in two members", async () => {
    const packed = Buffer.concat([gzipSync(good.subarray(0, 100)), gzipSync(good.subarray(100))]);
    expect(await structures(packed, `${path}.gz`)).toEqual(await structures(good));
  });
});
