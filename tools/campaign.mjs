// npm run campaign -- [NAME...] [--seed S] [--runs N] [--only PART,PART]: long searches for failures, with a new seed each time.
// Each writes its last result to bench/results/campaign/NAME.json (every reader has a row of its own there with the commit it
// was tried at; those of the readers that --only leaves out stay); the seed repeats it. The parts that must pass every time run in `npm test`.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

const commit = commitOf();

for (const name of positionals.length > 0 ? positionals : Object.keys(campaigns)) {
  const campaign = campaigns[name];
  const runs = values.runs === undefined ? campaign.runs : wholeNumber(values.runs, "runs");
  const folder = mkdtempSync(join(tmpdir(), `atomgrad-${name}-`));
  const started = performance.now();
  console.log(`${name}: ${runs} runs, seed ${seed}`);
  const path = join(results, `${name}.json`);
  const keep = (counts, failure) => writeResult(path, { name, runs, counts, started, failure });
  try {
    const counts = await campaign.run({
      seed,
      runs,
      folder,
      program,
      readerProgram,
      only,
      commit,
      kept: () => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).counts : undefined),
      keep,
      say: (line) => console.log(line),
    });
    rmSync(folder, { recursive: true, force: true });
    keep(counts);
    const { each: _, ...totals } = counts;
    console.log(`${name}: passed in ${secondsSince(started)} s: ${JSON.stringify(totals)}`);
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    keep(error?.counts ?? {}, failure);
    console.error(
      `${name}: FAILED: ${failure}\nwhat it worked on: ${folder}\nonce more: npm run campaign -- ${name} --seed ${seed}`,
    );
    process.exitCode = 1;
  }
}

function secondsSince(started) {
  return Math.round((performance.now() - started) / 100) / 10;
}

/** The commit that is tried, with `+` where files besides kept results were changed since; "unknown" outside of git. */
function commitOf() {
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--", ".", ":!bench/results") !== "";
    return `${git("rev-parse", "--short=10", "HEAD")}${changed ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}

/** Writes a result, all of it or nothing: another run may read it at the same time. */
function writeResult(path, { name, runs, counts, started, failure }) {
  const result = {
    schema: 1,
    campaign: name,
    passed: failure === undefined,
    date: new Date().toISOString().slice(0, 10),
    version,
    commit,
    seed,
    runs,
    counts,
    seconds: secondsSince(started),
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version },
    ...(failure === undefined ? {} : { failure }),
  };
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(draft, path);
}
