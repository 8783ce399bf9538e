/*
 * Molecular dynamics of liquid water at constant energy with a trained model: velocity Verlet, step 0.5 fs. What the
 * library is asked for is `eval` alone, so the event loop stays free while it computes.
 *
 *     npm run build && node dist/examples/water-nve.js [PICOSECONDS]
 *
 * Prints total energy and temperature, then how well the energy is conserved (examples/data/water/README.md keeps what it
 * printed for 2 ps).
 */
import { pathToFileURL } from "node:url";
import { DeepPot, RandomStream, readDeepmdSystem } from "../src/index.js";

/** Femtoseconds. */
const timeStep = 0.5;
/** g/mol */
const masses: Readonly<Record<string, number>> = { O: 15.999, H: 1.008 };
/** 1 eV/angstrom on 1 g/mol, in angstrom/fs^2. */
const acceleration = 9.648533212e-3;
/** eV/K */
const boltzmann = 8.617333262e-5;

export interface Conservation {
  /** Slope of the total energy, eV per atom and picosecond. */
  readonly drift: number;
  /** Deviation of the total energy from that slope, eV per atom. */
  readonly deviation: number;
  /** Mean temperature, K. */
  readonly temperature: number;
}

/** Velocities of a Maxwell distribution, angstrom/fs; the whole does not move. */
function velocitiesAt(kelvin: number, mass: Float64Array, random: RandomStream): Float64Array {
  const v = Float64Array.from({ length: 3 * mass.length }, (_, k) => {
    return Math.sqrt((boltzmann * kelvin * acceleration) / mass[Math.floor(k / 3)]) * random.normal();
  });
  const total = mass.reduce((a, b) => a + b, 0);
  for (let axis = 0; axis < 3; axis++) {
    const momentum = mass.reduce((sum, m, i) => sum + m * v[3 * i + axis], 0);
    for (let i = 0; i < mass.length; i++) v[3 * i + axis] -= momentum / total;
  }
  return v;
}

/** A straight line through values at equal distances: its slope per step, and the deviation from it. */
function lineThrough(values: readonly number[]): { slope: number; deviation: number } {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const centre = (n - 1) / 2;
  let [xy, xx] = [0, 0];
  values.forEach((y, k) => {
    xy += (k - centre) * (y - mean);
    xx += (k - centre) ** 2;
  });
  const slope = xy / xx;
  const squares = values.reduce((sum, y, k) => sum + (y - mean - slope * (k - centre)) ** 2, 0);
  return { slope, deviation: Math.sqrt(squares / n) };
}

/** Runs `steps` steps from a frame of water at 300 K. */
export async function conserve(
  model: string,
  folder: string,
  steps: number,
  print: (line: string) => void,
): Promise<Conservation> {
  const pot = await DeepPot.load(model, { precision: "f64" });
  const { atomCount: atoms, cells, positions, types } = readDeepmdSystem(folder, { typeMap: pot.typeMap });
  const mass = Float64Array.from(types, (t) => masses[pot.typeMap[t]]);
  const r = positions.slice(0, 3 * atoms);
  const v = velocitiesAt(300, mass, new RandomStream(1, 0));
  const cell = cells!.subarray(0, 9);
  let { energy, force } = await pot.eval(r, cell, types);
  const halfKick = (): void =>
    force.forEach((f, k) => (v[k] += (timeStep / 2) * acceleration * (f / mass[Math.floor(k / 3)])));
  const totals: number[] = [];
  let heat = 0;
  for (let step = 1; step <= steps; step++) {
    halfKick();
    for (let k = 0; k < r.length; k++) r[k] += timeStep * v[k];
    ({ energy, force } = await pot.eval(r, cell, types));
    halfKick();
    const kinetic = v.reduce((sum, x, k) => sum + mass[Math.floor(k / 3)] * x * x, 0) / (2 * acceleration);
    const kelvin = (2 * kinetic) / (3 * (atoms - 1) * boltzmann);
    heat += kelvin;
    totals.push((energy[0] + kinetic) / atoms);
    if (step % 200 === 0)
      print(
        `${(step * timeStep).toFixed(0).padStart(6)} fs: total energy ${(energy[0] + kinetic).toFixed(6)} eV, ${kelvin.toFixed(0)} K`,
      );
  }
  pot.dispose();
  const { slope, deviation } = lineThrough(totals);
  return { drift: (slope / timeStep) * 1000, deviation, temperature: heat / steps };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const water = "examples/data/water";
  const steps = Math.round((Number(process.argv[2] ?? 2) * 1000) / timeStep);
  const { drift, deviation, temperature } = await conserve(
    `${water}/model.safetensors`,
    `${water}/frames`,
    steps,
    console.log,
  );
  console.log(
    `drift ${(drift * 1e3).toFixed(4)} meV/atom/ps, deviation ${(deviation * 1e3).toFixed(4)} meV/atom, mean temperature ${temperature.toFixed(0)} K`,
  );
}
