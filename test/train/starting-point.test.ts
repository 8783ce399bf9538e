import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { maskedCrc32c } from "../../src/data/weights/crc32c.js";
import { protoFields } from "../../src/data/weights/protobuf.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { readModelSync } from "../../src/models/deepmd/model-file.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";
import type { TrainOptions } from "../../src/train/deepmd/train-options.js";

const data = resolve(import.meta.dirname, "../../examples/data/nbmotaw/train");
const metals = ["Nb", "Mo", "Ta", "W"];
const atten = {
  type: "se_atten",
  sel: 30,
  rcut: 4,
  neuron: [4],
  axis_neuron: 2,
  attn: 4,
  attn_layer: 1,
  seed: 1,
};
const typed = { type: "se_e2_a", sel: [9, 9, 9, 9], rcut: 4, neuron: [4], axis_neuron: 2, seed: 1 };
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atomgrad-start-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function train(
  name: string,
  model: object,
  options: TrainOptions = {},
  training: object = {},
): Promise<string> {
  const path = join(folder, `${name}.json`);
  const input = {
    model: { type_map: metals, descriptor: atten, fitting_net: { neuron: [8], seed: 2 }, ...model },
    learning_rate: { type: "exp", start_lr: 1e-3, stop_lr: 1e-5 },
    loss: { type: "ener" },
    training: {
      training_data: { systems: [join(data, "n002"), join(data, "n016")], batch_size: 4 },
      numb_steps: 2,
      seed: 3,
      disp_file: join(folder, "lcurve.out"),
      save_ckpt: join(folder, name),
      ...training,
    },
  };
  writeFileSync(path, JSON.stringify(input));
  const { model: written } = await trainDeepmd(path, {
    output: join(folder, "out.json"),
    skipNeighborStat: true,
    ...options,
  });
  return written;
}

describe.each([
  ["se_atten", atten, "descriptor.se_atten"],
  ["se_e2_a", typed, "descriptor.sea"],
])("%s", (_name, descriptor, block) => {
  it("--init-model keeps davg, dstd and the energy bias bit for bit, and starts at step 0", async () => {
    const first = await train("first", { descriptor });
    const second = await train("second", { descriptor }, { initModel: first }, { numb_steps: 3 });
    const [a, b] = [readModelSync(first), readModelSync(second)];
    for (const name of [`${block}.mean`, `${block}.stddev`, "out_bias", "fitting_net.bias_atom_e"])
      expect(b.weights.get(name)).toEqual(a.weights.get(name));
    expect(b.training?.step).toBe(3);
    const matrix = "fitting_net.filter_layers.networks.0.layers.0.matrix";
    expect(b.weights.get(matrix)).not.toEqual(a.weights.get(matrix));
  });

  it("--finetune shifts the bias and nothing else before the first step", async () => {
    const first = await train("first", { descriptor });
    const slow = { numb_steps: 1, training_data: { systems: [join(data, "n054")], batch_size: 1 } };
    const tuned = await train(
      "tuned",
      { descriptor, fitting_net: { neuron: [8], trainable: false } },
      { finetune: first },
      slow,
    );
    const [a, b] = [readModelSync(first).weights, readModelSync(tuned).weights];
    for (const [name, { data: before }] of a) {
      if (name.startsWith("out_") || name.startsWith("descriptor")) continue;
      expect(b.get(name)!.data).toEqual(before);
    }
    expect(b.get("out_bias")!.data).not.toEqual(a.get("out_bias")!.data);
  });

  it("a model that does not fit is an error that names it", async () => {
    const first = await train("first", { descriptor });
    const wide = train("wide", { descriptor: { ...descriptor, neuron: [6] } }, { initModel: first });
    await expect(wide).rejects.toThrow(
      /first-2\.safetensors: does not fit the input's model section .*shape/,
    );
    const other = train("other", { type_map: ["Mo", "Nb", "Ta", "W"], descriptor }, { initModel: first });
    await expect(other).rejects.toThrow(/model\.type_map: found \[Mo, Nb, Ta, W\].*first-2\.safetensors/);
    const both = train("both", { descriptor }, { initModel: first, finetune: first });
    await expect(both).rejects.toThrow(/exclude each other/);
  });
});

it("--finetune gives weights to types by name, and new rows to new types", async () => {
  const first = await train("first", {});
  const typeMap = ["W", "H", "Ta", "Mo", "Nb"];
  const frozen = {
    descriptor: { ...atten, trainable: false },
    fitting_net: { neuron: [8], trainable: false },
  };
  const tuned = await train(
    "tuned",
    { type_map: typeMap, ...frozen },
    { finetune: first },
    { numb_steps: 1 },
  );
  const [a, b] = [await DeepPot.load(first), await DeepPot.load(tuned)];
  const coords = [0, 0, 0, 2.6, 0.3, 0, 0.2, 2.7, 0.1];
  const names = ["Nb", "W", "Mo"];
  const forces = [a, b].map(
    (pot) =>
      pot.evalSync(
        coords,
        null,
        names.map((n) => pot.typeMap.indexOf(n)),
      ).force,
  );
  forces[0].forEach((f, k) => expect(Math.abs(forces[1][k] - f)).toBeLessThan(1e-12));
  const other = train(
    "typed",
    { type_map: typeMap, descriptor: { ...typed, sel: [9, 9, 9, 9, 9] } },
    {
      finetune: await train("e2a", { descriptor: typed }),
    },
  );
  await expect(other).rejects.toThrow(/se_e2_a has a net for every pair of types/);
});

it("a model with TensorFlow's rules keeps them: --init-model, evaluation, DeePMD-kit's own files refused", async () => {
  const type_embedding = {
    neuron: [4, 8],
    activation_function: "gelu",
    resnet_dt: true,
    use_tebd_bias: true,
  };
  const descriptor = { ...atten, attn_mask: true, smooth_type_embedding: true };
  const first = await train("first", { descriptor, type_embedding }, {}, { numb_steps: 5 });
  const second = await train(
    "second",
    { descriptor: { ...atten, attn_mask: true, smooth_type_embedding: true }, type_embedding },
    { initModel: first },
  );
  expect(readModelSync(second).config).toMatchObject({ rules: "tf", type_embedding: { neuron: [4, 8] } });
  const pot = await DeepPot.load(second);
  expect(Number.isFinite(pot.evalSync([0, 0, 0, 2.6, 0, 0], null, [0, 3]).energy[0])).toBe(true);
  pot.dispose();
});

it("tensorboard: true writes events that TensorBoard reads", async () => {
  const logs = join(folder, "log");
  await train(
    "board",
    {},
    {},
    {
      tensorboard: true,
      tensorboard_log_dir: logs,
      tensorboard_freq: 2,
      numb_steps: 4,
      gradient_max_norm: 1,
    },
  );
  const [name] = readdirSync(logs);
  expect(name).toMatch(/^events\.out\.tfevents\.\d+\./);
  const file = readFileSync(join(logs, name));
  const seen: { step: number; tags: string[] }[] = [];
  for (let at = 0; at < file.length;) {
    const size = file.readUInt32LE(at);
    expect(file.readUInt32LE(at + 8)).toBe(maskedCrc32c(file.subarray(at, at + 8)));
    const record = file.subarray(at + 12, at + 12 + size);
    expect(file.readUInt32LE(at + 12 + size)).toBe(maskedCrc32c(record));
    const fields = [...protoFields(record, "event")];
    const summary = fields.find((field) => field.number === 5);
    const tags =
      summary === undefined
        ? []
        : [...protoFields(summary.bytes, "s")].map((value) => {
            const [tag] = [...protoFields(value.bytes, "v")].filter((field) => field.number === 1);
            return new TextDecoder().decode(tag.bytes);
          });
    seen.push({ step: Number(fields.find((field) => field.number === 2)?.value ?? 0), tags });
    at += 16 + size;
  }
  expect(seen.map(({ step }) => step)).toEqual([0, 1, 2, 4]);
  expect(seen[1].tags).toEqual(
    ["lr", "loss", "rmse", "rmse_e", "rmse_f", "grad/total_norm"].map((tag) => `Default/${tag}`),
  );
});
