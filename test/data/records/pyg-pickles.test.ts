import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readPickleFile } from "../../../src/data/pickle/index.js";
import { withFile } from "../../../src/data/read-file.js";
import { pygList } from "../../../src/data/records/pyg.js";
import { expectFields } from "./expected-fields.js";
import type { ExpectedField } from "./expected-fields.js";

const folder = join("..", "shared", "data", "pyg-pickles");
const present = existsSync(folder);

describe("pickles of lists of PyG objects", () => {
  const files = present ? readdirSync(folder).filter((name) => name.endsWith(".pkl")) : ["shared data"];
  it.skipIf(!present).each(files)("%s opens as expected.json says (needs the shared data)", (file) => {
    const path = join(folder, file);
    const expected = JSON.parse(readFileSync(path.replace(".pkl", ".expected.json"), "utf8")) as unknown[];
    withFile(path, (source) => {
      const records = pygList(readPickleFile(source, "data"), file)!;
      expect(records).toHaveLength(16);
      records.forEach((record, k) => expectFields(record, expected[k] as Record<string, ExpectedField>));
    });
  });
});
