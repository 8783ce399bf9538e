// `npm test`: prepares the checkout, checks its style and structure, and runs every test the machine can run; with paths (and
// options of vitest, after `--`) those tests alone.
// `--cuda` runs the op matrix on an NVIDIA GPU instead, `--browser` its quick part in headless Chromium.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { prepare, root } from "./prepare.mjs";

prepare();

const parts = { "--cuda": ["test/ops/cuda.test.ts"], "--browser": ["test/browser/browser.test.ts"] };
const only = parts[process.argv[2]] ?? process.argv.slice(2);
const run = (script, ...args) =>
  spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: "inherit" }).status ?? 1;

const lint = only.length === 0 ? run("tools/lint.mjs") : undefined;
const summary = join(root, "build", "tests.json");
rmSync(summary, { force: true });
const tests = run(
  "node_modules/vitest/vitest.mjs",
  "run",
  "--config",
  "tools/vitest.config.ts",
  ...only,
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${summary}`,
);
const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(summary, "utf8"));
if (lint !== undefined) console.log(lint === 0 ? "lint: ok" : "lint: FAILED");
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
process.exit((lint ?? 0) === 0 && tests === 0 ? 0 : 1);
