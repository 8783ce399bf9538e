import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readModelSync } from "../../src/models/deepmd/model-file.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { putTinyTraining } from "../cli/tiny-training.js";
import { bitsOf, curveRows } from "../train/checkpoint-bits.js";

export interface KillSettings {
  /** The `atomgrad` program. */
  readonly program: string;
  /** An empty folder for two runs. */
  readonly folder: string;
  readonly kills: number;
  readonly seed: number;
}

export interface KillCounts {
  readonly kills: number;
  /** Kills before the first step of a life. */
  readonly early: number;
  /** Kills that left a half-written temporary file: they hit a save. */
  readonly inSave: number;
  readonly steps: number;
}

/** Never reached: every life of the training ends by a signal. */
const numbSteps = 1_000_000;

/**
 * A training that saves every step is killed again and again at random moments and restarted from its newest checkpoint.
 * After every kill all checkpoints open. In the end its state and the rows of its lcurve are those of a training that nobody
 * disturbed, bit for bit. Throws an Error at the first thing that is not so.
 */
export async function killTraining(settings: KillSettings): Promise<KillCounts> {
  const killed = join(settings.folder, "killed");
  const whole = join(settings.folder, "whole");
  putLongTraining(killed, 1);
  putLongTraining(whole, numbSteps);
  const random = new RandomStream(settings.seed, 0);
  let early = 0;
  let inSave = 0;
  for (let k = 0; k < settings.kills; k++) {
    const child = start(settings.program, killed, newest(killed));
    const isEarly = k > 0 && random.uniform() < 0.2;
    if (isEarly) await pause(400 * random.uniform());
    else {
      await stepsDone(child, 1);
      await pause(100 * random.uniform());
    }
    await end(child, "SIGKILL");
    if (isEarly) early++;
    if (readdirSync(killed).some((name) => name.endsWith(".tmp"))) inSave++;
    checkCheckpoints(killed);
  }
  const last = start(settings.program, killed, newest(killed));
  await stepsDone(last, 2);
  await end(last, "SIGTERM");
  const left = readdirSync(killed).filter((name) => name.endsWith(".tmp"));
  if (left.length > 0) throw new Error(`temporary files stay: ${left.join(" ")}`);
  const steps = newest(killed);
  await trainWhole(whole, steps);
  compare(killed, whole, steps);
  return { kills: settings.kills, early, inSave, steps };
}

function putLongTraining(folder: string, saveEvery: number): void {
  const training = { numb_steps: numbSteps, save_freq: saveEvery, max_ckpt_keep: 4 };
  putTinyTraining(folder, { rate: { stop_lr: 1e-3 }, training });
}

/** Steps of the checkpoints there are, oldest first. */
function checkpoints(folder: string): number[] {
  const found = readdirSync(folder).map((name) => /^model-(\d+)\.safetensors$/.exec(name));
  return found.flatMap((match) => (match === null ? [] : [Number(match[1])])).sort((a, b) => a - b);
}

/** Step of the newest checkpoint; 0 when there is none. */
function newest(folder: string): number {
  return checkpoints(folder).at(-1) ?? 0;
}

const nameOf = (step: number): string => `model-${step}.safetensors`;

function start(program: string, folder: string, step: number): ChildProcess {
  const restart = step === 0 ? [] : ["--restart", nameOf(step)];
  const args = [program, "train", "input.json", "--skip-neighbor-stat", ...restart];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.resume();
  return child;
}

/** Waits until a training has displayed some of its steps; fails when it ends before. */
function stepsDone(child: ChildProcess, steps: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let rows = 0;
    let said = "";
    child.stderr!.on("data", (text) => (said += String(text)));
    child.stdout!.on("data", (text) => {
      rows += String(text).split("trn:").length - 1;
      if (rows >= steps) resolve();
    });
    child.on("exit", (status) => reject(new Error(`the training ended with ${status}: ${said}`)));
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null) throw new Error(`the training ended by itself with ${child.exitCode}`);
  const over = once(child, "exit");
  child.kill(signal);
  await over;
}

/** Every checkpoint under its own name is whole: it opens as a model of its step with its optimiser. */
function checkCheckpoints(folder: string): void {
  for (const step of checkpoints(folder)) {
    const { training, weights } = readModelSync(join(folder, nameOf(step)));
    if (training?.step !== step || training.optimizer.size === 0 || weights.size === 0)
      throw new Error(`${nameOf(step)} is not the checkpoint of step ${step}`);
  }
}

/** The same training from its beginning, never disturbed before its last step. */
async function trainWhole(folder: string, steps: number): Promise<void> {
  const home = process.cwd();
  const stop = new AbortController();
  process.chdir(folder);
  try {
    await trainDeepmd("input.json", {
      skipNeighborStat: true,
      signal: stop.signal,
      onStep: (done) => done === steps && stop.abort(),
    });
  } finally {
    process.chdir(home);
  }
}

function compare(killed: string, whole: string, steps: number): void {
  const bits = (folder: string): Record<string, string> => bitsOf(join(folder, nameOf(steps)));
  const [found, wanted] = [bits(killed), bits(whole)];
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  const differing = [...names].filter((name) => found[name] !== wanted[name]);
  if (differing.length > 0)
    throw new Error(`${differing.join(" ")}: not those of an undisturbed training at step ${steps}`);
  const rows = (folder: string): string => curveRows(join(folder, "lcurve.out"), steps).join("\n");
  if (rows(killed) !== rows(whole)) throw new Error("lcurve.out is not that of an undisturbed training");
}
