// typescript-eslint, prettier, clang-format and the floors' order. `--fix-native` formats the C++ sources instead.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);

function nativeFiles(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return nativeFiles(path);
    return /\.(cc|h|cu|cuh)$/.test(name) && !name.includes(".generated.") ? [path] : [];
  });
}

function clangFormat(path) {
  const { platform, arch } = process;
  const binary = join(
    dirname(require.resolve("clang-format/package.json")),
    "bin",
    `${platform}_${arch}`,
    "clang-format",
  );
  return spawnSync(binary, [path], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
}

function checkNative(fix) {
  const files = ["native", "kernels"].flatMap((folder) => nativeFiles(join(root, folder)));
  let bad = 0;
  for (const path of files) {
    const { stdout, error, status } = clangFormat(path);
    if (error || status !== 0) {
      console.log(
        `lint: clang-format does not run on this machine (${error?.code ?? status}); C++ formatting not checked`,
      );
      return true;
    }
    if (stdout === readFileSync(path, "utf8")) continue;
    if (fix) writeFileSync(path, stdout);
    else console.error(`clang-format: ${relative(root, path)} is not formatted; run \`npm run format\``);
    bad++;
  }
  return fix || bad === 0;
}

const step = (name, script, ...args) => {
  const { status } = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  console.log(`lint: ${name} ${status === 0 ? "ok" : "FAILED"}`);
  return status === 0;
};

if (process.argv.includes("--fix-native")) {
  checkNative(true);
} else {
  const results = [
    step(
      "eslint",
      "eslint/bin/eslint.js",
      "--config",
      "tools/eslint.config.mjs",
      "--max-warnings",
      "0",
      "src",
      "kernels",
      "test",
    ),
    step("prettier", "prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."),
    step("floors", "dependency-cruiser/bin/dependency-cruise.mjs", "--output-type", "err", "src", "kernels"),
    checkNative(false),
  ];
  console.log(`lint: clang-format ${results.at(-1) ? "ok" : "FAILED"}`);
  process.exit(results.every(Boolean) ? 0 : 1);
}
