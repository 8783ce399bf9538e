import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../data/temporary-folder.js";
import { root } from "./bundle.js";
import { commandsOf, expectRefusal, Program } from "./program.js";

const program = new Program();
const folder = temporaryFolder();

it("atomgrad --version prints the package's version and nothing else", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  for (const option of ["--version", "-V"])
    expect(program.run(folder, [option])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: "" });
});

it("atomgrad --help names the commands with a line each, on stdout", () => {
  const { status, stdout, stderr } = program.run(folder, ["--help"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^Usage: atomgrad \[options\] \[command\]/);
  expect(stdout).toMatch(/Units: eV, angstrom/);
  expect(commandsOf(stdout)).toEqual(expect.arrayContaining(["train", "test", "eval", "help"]));
});

it("every command has a help with an example that names it", () => {
  const commands = commandsOf(program.run(folder, ["--help"]).stdout).filter((name) => name !== "help");
  for (const command of commands) {
    const { status, stdout, stderr } = program.run(folder, [command, "--help"]);
    expect({ status, stderr }, command).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^Usage: atomgrad ${command} `));
    expect(stdout, command).toMatch(new RegExp(`\\nExamples?:\\n +(atomgrad|npm run .*|npx atomgrad) ?.*${command} `));
  }
}); // prettier-ignore

it("options of DeePMD-kit's commands stay as users know them", () => {
  const help = (command: string): string => program.run(folder, [command, "--help"]).stdout;
  for (const option of ["--init-model", "--restart", "--skip-neighbor-stat", "--metrics", "--output"])
    expect(help("train")).toContain(option);
  for (const option of ["-m, --model", "-s, --system", "-n, --numb-test", "-d, --detail-file"])
    expect(help("test")).toContain(option);
  for (const option of ["-m, --model", "-s, --system", "-o, --output", "--atomic", "--precision"])
    expect(help("eval")).toContain(option);
});

it("a misspelt command or option is refused with a suggestion", () => {
  expectRefusal(program.run(folder, ["trian", "input.json"]), /unknown command 'trian'/, /train/);
  expectRefusal(program.run(folder, ["train", "i.json", "--restrat", "x"]), /unknown option '--restrat'/, /--restart/); // prettier-ignore
  expectRefusal(program.run(folder, ["train"]), /missing required argument/);
  expectRefusal(program.run(folder, ["eval", "-m", "x"]), /required option '-s/);
});

it("atomgrad without a command shows the help on stderr and fails", () => {
  const { status, stdout, stderr } = program.run(folder, []);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain("Commands:");
});
