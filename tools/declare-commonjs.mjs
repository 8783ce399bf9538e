// The declarations once more for `require("atomgrad")`: TypeScript takes a .d.ts for an ES module or a CommonJS one by the
// nearest package.json, so those that the entry points reach stand a second time below one that says commonjs.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");

/** Writes dist/commonjs with the declarations of `entryPoints` (names in dist/src). */
export function declareCommonJs(entryPoints) {
  const folder = join(dist, "commonjs");
  rmSync(folder, { recursive: true, force: true });
  const waiting = entryPoints.map((name) => join(dist, "src", `${name}.d.ts`));
  for (const file of waiting) {
    const copy = join(folder, relative(dist, file));
    if (existsSync(copy)) continue;
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(file, copy);
    waiting.push(...imported(file));
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
}

/** The declarations a file imports from its own package. */
function imported(file) {
  const found = readFileSync(file, "utf8").matchAll(/(?:from |import\(|import )"(\.[^"]+)\.js"/g);
  return [...found].map(([, path]) => join(dirname(file), `${path}.d.ts`));
}
