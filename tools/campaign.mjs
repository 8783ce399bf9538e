// npm run campaign -- [NAME...] [--seed S] [--runs N] [--only PART,PART]: long searches for failures, with a new seed each time.
// Each writes its last result to bench/results/campaign/NAME.json (with --only the other parts' last counts stay); the seed
// repeats it. The parts that must pass every time run in `npm test`.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { prepare, root } from "./prepare.mjs";

const { values, positionals } = parseArgs({
  options: { seed: { type: "string" }, runs: { type: "string" }, only: { type: "string" } },
  allowPositionals: true,
});

/** Bundles a program below the repository, where the addon and the dependencies are found. */
async function bundle(source, outfile) {
  await build({
    entryPoints: [join(root, source)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
  return outfile;
}

function wholeNumber(text, option) {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
  console.error(`campaign: --${option} ${text}: give a whole number above 0`);
  process.exit(1);
}

prepare();
const built = join(root, "build", "campaign");
const program = await bundle("src/cli/main.ts", join(built, "atomgrad.mjs"));
const readerProgram = await bundle("test/campaign/reader-process.ts", join(built, "reader-process.mjs"));
const { campaigns } = await import(
  pathToFileURL(await bundle("test/campaign/campaigns.ts", join(built, "campaigns.mjs"))).href
);
const unknown = positionals.find((name) => !(name in campaigns));
if (unknown !== undefined) {
  console.error(`campaign: ${unknown} is unknown; there are ${Object.keys(campaigns).join(", ")}`);
  process.exit(1);
}
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : wholeNumber(values.seed, "seed");
const only = values.only?.split(",");
const results = join(root, "bench", "results", "campaign");
mkdirSync(results, { recursive: true });

for (const name of positionals.length > 0 ? positionals : Object.keys(campaigns)) {
  const campaign = campaigns[name];
  const runs = values.runs === undefined ? campaign.runs : wholeNumber(values.runs, "runs");
  const folder = mkdtempSync(join(tmpdir(), `atomgrad-${name}-`));
  const started = performance.now();
  console.log(`${name}: ${runs} runs, seed ${seed}`);
  const path = join(results, `${name}.json`);
  const last = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).counts : undefined;
  let counts = {};
  let failure;
  try {
    counts = await campaign.run({
      seed,
      runs,
      folder,
      program,
      readerProgram,
      only,
      last,
      say: (line) => console.log(line),
    });
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    counts = error?.counts ?? {};
    failure = error instanceof Error ? error.message : String(error);
    console.error(
      `${name}: FAILED: ${failure}\nwhat it worked on: ${folder}\nonce more: npm run campaign -- ${name} --seed ${seed}`,
    );
    process.exitCode = 1;
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
  const date = new Date().toISOString().slice(0, 10);
  const result = {
    schema: 1,
    campaign: name,
    passed: failure === undefined,
    date,
    version,
    seed,
    runs,
    counts,
    seconds,
    machine,
  };
  writeFileSync(
    path,
    `${JSON.stringify(failure === undefined ? result : { ...result, failure }, null, 2)}\n`,
  );
  if (failure === undefined) {
    const { each: _, ...totals } = counts;
    console.log(`${name}: passed in ${seconds} s: ${JSON.stringify(totals)}`);
  }
}
