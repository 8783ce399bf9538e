import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DeepPot, profile, readStructures, setThreads, type Structure, supercell } from "../../src/index.js";
import { type DeepmdInput, parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { learningRateSchedule } from "../../src/train/learning-rate.js";
import { EnergyLoss } from "../../src/train/deepmd/energy-loss.js";
import { DataSet } from "../../src/train/deepmd/load-data.js";
import { freshWeights } from "../../src/train/deepmd/prepare-model.js";
import { EnergyTrainer } from "../../src/train/deepmd/trainer.js";
import type { Bench, BenchType, PeerRequest, Workload } from "../bench.js";

const water = fileURLToPath(new URL("../../../../shared/data/deepmd-water/data_0", import.meta.url));
const missing = "it needs DeePMD-kit's water example beside the checkout, in ../shared/data/deepmd-water";
const threads = 2;

/** se_atten with so many attention layers, or se_e2_a. */
type Network = number | "se_e2_a";

/** The networks of DeePMD-kit's examples/water/se_atten and se_e2_a; bench/peers/deepmd_train_step.py has the same. */
function input(network: Network, dtype: BenchType): DeepmdInput {
  const precision = dtype === "f64" ? "float64" : "float32";
  const common = { rcut_smth: 0.5, rcut: 6, neuron: [25, 50, 100], axis_neuron: 16, precision, seed: 1 };
  const attention = { attn: 128, attn_layer: network, attn_dotr: true, smooth_type_embedding: false };
  const config = {
    model: {
      type_map: ["O", "H"],
      descriptor:
        network === "se_e2_a"
          ? { type: "se_e2_a", sel: [46, 92], ...common }
          : { type: "se_atten", sel: 120, ...common, ...attention },
      fitting_net: { neuron: [240, 240, 240], resnet_dt: true, precision, seed: 1 },
      data_stat_nbatch: 2,
    },
    learning_rate: { type: "exp", start_lr: 1e-3, stop_lr: 3.51e-8, decay_steps: 5000 },
    loss: { type: "ener", start_pref_e: 0.02, limit_pref_e: 1, start_pref_f: 1000, limit_pref_f: 1 },
    training: { training_data: { systems: [water], batch_size: 1 }, numb_steps: 1_000_000, seed: 1 },
  };
  return parseDeepmdInput(JSON.stringify(config), "water").input;
}

function peer(network: Network, dtype: BenchType, what: "train" | "evaluate"): PeerRequest {
  const precision = dtype === "f64" ? "float64" : "float32";
  const args = [
    water,
    ...(network === "se_e2_a" ? ["--descriptor", network] : ["--attn-layer", String(network)]),
    "--precision",
    precision,
    "--threads",
    String(threads),
  ];
  return { peer: "deepmd-kit", program: "deepmd_train_step.py", args, request: { do: what } };
}

function model(config: DeepmdInput, data: DataSet): EnergyModel {
  return new EnergyModel(config.model, freshWeights(config.model, data, 1));
}

function flopOf(body: () => unknown): number {
  return [...profile(body).values()].reduce((sum, op) => sum + op.flop, 0);
}

function nameOf(network: Network, what: "train" | "eval", dtype: BenchType): string {
  return network === "se_e2_a" ? `se_e2_a/${what}-${dtype}` : `se_atten/${what}-attn${network}-${dtype}`;
}

/** Places for neighbours of an atom. */
function selOf(network: Network): number {
  return network === "se_e2_a" ? 138 : 120;
}

function trainRow(network: Network, dtype: BenchType): Bench {
  return {
    name: nameOf(network, "train", dtype),
    dtype,
    threads,
    open: () => Promise.resolve(existsSync(water) ? trainingStep(network, dtype) : missing),
  };
}

/** Forward, loss, backward and Adam on one frame, always the same. */
function trainingStep(network: Network, dtype: BenchType): Workload {
  setThreads(threads);
  const config = input(network, dtype);
  const data = DataSet.load(config.training.training_data, config.model, 1, "train");
  const energyModel = model(config, data);
  const trainer = new EnergyTrainer({
    model: energyModel,
    loss: new EnergyLoss(config.loss),
    rate: learningRateSchedule(config.learning_rate, 1_000_000),
    startRate: config.learning_rate.start_lr,
    optimizer: config.optimizer,
    maxNorm: null,
  });
  const batch = data.batch(0);
  let step = 0;
  const run = (): unknown => trainer.update(step++, batch);
  const flop = flopOf(run);
  return {
    run,
    work: { atoms: batch.system.atomCount, sel: selOf(network) },
    floor: { flop },
    peers: [peer(network, dtype, "train")],
    close: () => {
      trainer.dispose();
      energyModel.dispose();
    },
  };
}

/** @param copies of the box of 192 atoms in each direction; large frames are for the growth with their size, without the peer */
function evalRow(network: Network, dtype: BenchType, copies = 1): Bench {
  return {
    name: nameOf(network, "eval", dtype) + (copies === 1 ? "" : `-${192 * copies ** 3}-atoms`),
    dtype,
    threads,
    open: () => (existsSync(water) ? evaluation(network, dtype, copies) : Promise.resolve(missing)),
  };
}

/** Energy, forces and virial of one frame. */
async function evaluation(network: Network, dtype: BenchType, copies: number): Promise<Workload> {
  setThreads(threads);
  const [frame] = await readStructures(water, { frames: 0 });
  const config = input(network, dtype);
  const data = DataSet.load(config.training.training_data, config.model, 1, "train");
  const pot = DeepPot.of(model(config, data));
  const evaluate = ({ positions, cell, atomicNumbers }: Structure): unknown =>
    pot.evalSync(
      positions,
      cell,
      atomicNumbers.map((z) => (z === 1 ? 1 : 0)),
    );
  const flop = copies ** 3 * flopOf(() => evaluate(frame));
  const repeated = supercell(frame, [copies, copies, copies]);
  return {
    run: () => evaluate(repeated),
    work: { atoms: repeated.atomicNumbers.length, sel: selOf(network) },
    floor: { flop },
    once: copies > 1,
    peers: copies > 1 ? [] : [peer(network, dtype, "evaluate")],
    close: () => pot.dispose(),
  };
}

export const deepmdRows: readonly Bench[] = [
  trainRow(2, "f64"),
  trainRow(2, "f32"),
  trainRow(0, "f64"),
  trainRow(0, "f32"),
  evalRow(2, "f64"),
  evalRow(2, "f32"),
  evalRow(2, "f32", 4),
  evalRow(2, "f32", 8),
  trainRow("se_e2_a", "f64"),
  trainRow("se_e2_a", "f32"),
  evalRow("se_e2_a", "f64"),
  evalRow("se_e2_a", "f32"),
];
