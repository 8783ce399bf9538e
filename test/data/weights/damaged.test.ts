import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { withWeights } from "../../../src/data/weights/open.js";
import { expectOnlyAtomgradError } from "../expect-error.js";
import { put, temporaryFolder } from "../temporary-folder.js";

const folder = temporaryFolder();
const fixtures = join("test", "fixtures", "weights");

/** Opens a file and reads every number in it. */
function readAll(path: string): void {
  withWeights(path, ({ tensors }) => {
    for (const { array } of tensors) array?.bytes();
  });
}

describe("damaged weight files", () => {
  const files = [
    "zip.pt",
    "legacy.pt",
    "script.pt",
    "plain4.pkl",
    "numpy5.pkl",
    "numpy0.pkl",
    "packed.npz",
    "model.safetensors",
    "graph.pb",
    "listed.pbtxt",
    "bundle/ckpt.index",
    "haiku.pkl",
  ];

  it.each(files)("%s cut short anywhere gives errors only", (file) => {
    const bytes = readFileSync(join(fixtures, file));
    const path = join(folder, `cut-${file.replace("/", "-")}`);
    // At every byte of small files, at some of larger ones.
    const step = bytes.length < 600 ? 1 : 17;
    for (let length = 0; length < bytes.length; length += step) {
      put(path, bytes.subarray(0, length));
      expectOnlyAtomgradError(() => readAll(path));
    }
  });

  it.each(files)("%s with changed bytes gives errors or values", (file) => {
    const bytes = readFileSync(join(fixtures, file));
    const path = join(folder, `changed-${file.replace("/", "-")}`);
    const change = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    const property = fc.property(change, (changes) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, value] of changes) copy[at] = value;
      put(path, copy);
      expectOnlyAtomgradError(() => readAll(path));
    });
    fc.assert(property, { numRuns: 200, seed: 20260 });
  });
});
