// The package's entry points. All code lies in one CommonJS file, which `import` and `require` share with its state, and whose
// compiled form lies beside it (tools/load-package.cjs): a potential is at its first energy before hundreds of small modules
// would be open.
import { build } from "esbuild";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundleBrowser } from "./bundle-browser.mjs";
import { writeCodeCache } from "./code-cache.mjs";
import { declareCommonJs } from "./declare-commonjs.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const entryPoints = ["index", "testing"];

/** The entry points as plain objects: a module's namespace is an object of getters, slow to make and to read. */
async function collected() {
  const lines = [];
  for (const entry of entryPoints) {
    const names = Object.keys(await import(pathToFileURL(join(dist, "src", `${entry}.js`)).href));
    lines.push(
      `import { ${names.map((name) => `${name} as ${entry}_${name}`).join(", ")} } from "./${entry}.js";`,
      `export const ${entry} = { ${names.map((name) => `${name}: ${entry}_${name}`).join(", ")} };`,
    );
  }
  return lines.join("\n");
}

rmSync(join(dist, "atomgrad.cache"), { force: true });
const { outputFiles } = await build({
  stdin: {
    contents: await collected(),
    resolveDir: join(dist, "src"),
  },
  outfile: join(dist, "atomgrad.cjs"),
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  packages: "external",
  logLevel: "warning",
  // Code that asks for its own place finds it in __filename.
  define: { "import.meta.url": "undefined" },
  // Wrapped as Node wraps a CommonJS file, so that no second copy of the text is made to do so.
  banner: { js: "(function (exports, require, module, __filename, __dirname, importModule) {" },
  footer: { js: "})" },
  write: false,
});
// Code that V8 takes from its cache does not know who imports for it.
writeFileSync(join(dist, "atomgrad.cjs"), outputFiles[0].text.replaceAll(/\bimport\(/g, "importModule("));

const load = join(dist, "load.cjs");
copyFileSync(join(root, "tools/load-package.cjs"), load);
await writeCodeCache(root);

const code = createRequire(load)(load);
for (const name of entryPoints) {
  // The ES module asks for the code with `require`: an `import` of CommonJS has Node look through it for names first.
  writeFileSync(join(dist, `${name}.cjs`), `module.exports = require("./load.cjs").${name};\n`);
  writeFileSync(
    join(dist, `${name}.mjs`),
    `import { createRequire } from "node:module";
export const { ${Object.keys(code[name]).join(", ")} } = createRequire(import.meta.url)("./load.cjs").${name};\n`,
  );
}

declareCommonJs(entryPoints);
await bundleBrowser();
