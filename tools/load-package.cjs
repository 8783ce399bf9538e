// Copied to dist/load.cjs: opens the package's code, dist/atomgrad.cjs, with what V8 made of it when it was bundled. Compiling it
// anew takes longer than a potential takes to its first energy. V8 refuses a cache of another version or other flags, and
// compiles.
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");
const vm = require("node:vm");

const file = join(__dirname, "atomgrad.cjs");
const cache = join(__dirname, "atomgrad.cache");

/** Modules of Node that are slow to open and that few programs come to use: each is opened when something of it is. */
const late = new Set(["node:crypto", "node:worker_threads", "node:zlib"]);
const open = createRequire(file);
const openLate = (name) =>
  late.has(name) ? new Proxy({}, { get: (_, member) => open(name)[member] }) : open(name);

// The bundler writes ASCII, every byte a character, and wraps the code in a function.
const script = new vm.Script(readFileSync(file, "latin1"), {
  filename: file,
  cachedData: existsSync(cache) ? readFileSync(cache) : undefined,
});
const importModule = (name) => import(name);
script
  .runInThisContext()
  .call(module.exports, module.exports, openLate, module, file, __dirname, importModule);

async function writeCache(model) {
  if (model !== undefined) {
    const pot = await module.exports.index.DeepPot.load(model);
    for (const cell of [null, [3, 0, 0, 0, 3, 0, 0, 0, 3]])
      pot.evalSync([0, 0, 0, 1.5, 1.5, 1.5], cell, [0, 1]);
    pot.dispose();
  }
  writeFileSync(cache, script.createCachedData());
}

if (process.argv[2] === "--write-cache" && require.main === module) void writeCache(process.argv[3]);
