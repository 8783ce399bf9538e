import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What installing, building and `npm start` leave there. */
const made = new Set(["node_modules", "build", "dist", "atomgrad-run"]);

it("holds nothing at the top level but what the house has a place for", () => {
  const found = readdirSync(root).filter((name) => !name.startsWith(".") && !made.has(name));
  const folders = ["bench", "docs", "examples", "kernels", "native", "reference", "src", "test", "tools"];
  const files = ["CMakeLists.txt", "LICENSE", "README.md", "binding.gyp", "package.json"];
  // What belongs to package.json and to TypeScript.
  const theirs = ["package-lock.json", "tsconfig.json", "tsconfig.build.json"];
  expect(found.filter((name) => ![...folders, ...files, ...theirs].includes(name))).toEqual([]);
});
