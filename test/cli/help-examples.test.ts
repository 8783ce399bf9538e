import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { writeFileAtomicSync } from "../../src/data/atomic-write.js";
import { encodeNpz, type NpzArray } from "../../src/data/npz.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { root } from "./bundle.js";
import { commandsOf, type Outcome, Program } from "./program.js";
import { tinyInput } from "./tiny-training.js";

const program = new Program();
const start = new Program("src/cli/start.ts");
/** What the examples name: an input, data, structures, and what a training and `freeze` made of them. */
const given = temporaryFolder();
/** Examples that have been run there; every other runs in a copy of its own. */
const done = new Set<string>();
const copies = temporaryFolder();
const cells = join(root, "examples/data/nbmotaw/train/n002");

/** The lines after "Example:" or "Examples:". */
function examplesIn(help: string): string[] {
  const [, list] = help.split(/\nExamples?:\n/);
  return list.trimEnd().split("\n").map((line) => line.trim()); // prettier-ignore
}

/** Runs an example as it stands. */
function run(folder: string, example: string): Outcome {
  const [, name, words] = /^(atomgrad|npm start --) (.*)$/.exec(example) ?? [];
  expect(name, example).toBeDefined();
  return (name === "atomgrad" ? program : start).run(folder, words.split(" "));
}

function helpOf(command: string): string {
  return program.run(given, [command, "--help"]).stdout;
}

function must({ status, stderr, stdout }: Outcome, example: string): void {
  expect({ status, stderr }, `${example}\n${stdout}`).toEqual({ status: 0, stderr: "" });
}

function numbers(...shape: number[]): NpzArray {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { shape, data: Float64Array.from({ length: size }, (_, k) => Math.sin(k + 1)) };
}

beforeAll(() => {
  const examples = join(root, "examples/data");
  for (const name of ["data/quaternary/n128", "data/train"]) cpSync(cells, join(given, name), { recursive: true }); // prettier-ignore
  const fixtures = join(root, "test/fixtures");
  cpSync(join(fixtures, "formats/peers/run.traj"), join(given, "run.traj"));
  cpSync(join(fixtures, "deepmd/model-commands/frozen1.pth"), join(given, "frozen_model.pth"));
  cpSync(join(examples, "rmd17/ethanol.extxyz"), join(given, "train.extxyz"));
  const made: [string, string, ...string[]][] = [
    [join(examples, "water/frames"), "water.extxyz"],
    [join(examples, "mp_20/mp_20.csv"), "crystals.extxyz", "--frames", ":3"],
  ];
  for (const words of made) must(program.run(given, ["convert", ...words]), words.join(" "));

  const [cases] = /^ +(\[.*\])$/m.exec(helpOf("tp"))!.slice(1);
  writeFileSync(join(given, "cases.json"), cases);
  const inputs = { a_x: numbers(2, 5), a_y: numbers(2, 3), a_w: numbers(6), a_cotangent: numbers(2, 9) };
  writeFileAtomicSync(join(given, "inputs.npz"), encodeNpz(new Map(Object.entries(inputs))));

  const input = tinyInput({
    model: { type_map: ["Nb", "Mo", "Ta", "W"] },
    descriptor: { sel: 40, rcut: 4, attn_layer: 0 },
    training: { training_data: { systems: ["data/train"], batch_size: 1 }, numb_steps: 2000, disp_freq: 1000, save_freq: 1000, save_ckpt: "model.ckpt" },
  }); // prettier-ignore
  writeFileSync(join(given, "input.json"), JSON.stringify(input));
  for (const command of ["train", "freeze"]) {
    const [first] = examplesIn(helpOf(command));
    must(run(given, first), first);
    done.add(first);
  }
  for (const name of ["a.dp", "b.dp", "c.dp"]) cpSync(join(given, "model.dp"), join(given, name));
}, 60_000);

/** Words that name what an example writes. */
function outputsOf(example: string): string[] {
  const words = example.split(" ");
  const named = words.flatMap((word, k) => (["-o", "-d", "--output"].includes(word) ? [words[k + 1]] : []));
  return /^atomgrad convert/.test(example) ? [...named, words[3]] : named;
}

it("examples of every command's help run as they stand, and write what they name", () => {
  const main = program.run(given, ["--help"]).stdout;
  const commands = commandsOf(main).filter((name) => name !== "help");
  const helps = [...commands.map(helpOf), start.run(given, ["--help"]).stdout];
  const examples = helps.flatMap(examplesIn);
  expect(new Set(examplesIn(main).map((line) => line.split(" ")[1]))).toEqual(new Set(commands));
  expect(examples).toEqual(expect.arrayContaining(examplesIn(main)));
  examples.forEach((example, k) => {
    const folder = done.has(example) ? given : join(copies, String(k));
    const outputs = outputsOf(example);
    if (!done.has(example)) {
      cpSync(given, folder, { recursive: true });
      for (const name of outputs) rmSync(join(folder, name), { force: true });
      must(run(folder, example), example);
    }
    const there = readdirSync(folder);
    for (const name of outputs)
      expect(
        there.some((file) => file.startsWith(name)),
        example,
      ).toBe(true);
  });
}, 60_000);
