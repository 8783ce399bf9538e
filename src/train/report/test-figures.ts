import { type DeepmdSystem, frameTypes } from "../../data/deepmd-system.js";
import { type Composition, energyBias } from "../../models/deepmd/statistics.js";
import type { Comparison } from "../deepmd/test-errors.js";
import type { ElementRow, Parity, SummaryRow } from "./report-data.js";

/** What the report says about the test frames. */
export interface TestFigures {
  readonly energy: Parity | undefined;
  readonly force: Parity | undefined;
  readonly summary: readonly SummaryRow[];
  readonly elements: readonly ElementRow[];
}

/** The largest errors that count as success. */
export interface Limits {
  readonly energy: number;
  readonly force: number;
}

/** Figures of comparisons with the test frames; energies are per real atom, virtual atoms do not count. */
export function testFigures(
  all: readonly Comparison[],
  training: readonly DeepmdSystem[],
  typeMap: readonly string[],
  limits: Limits | undefined,
): TestFigures {
  const energy = new Pairs();
  const force = new Pairs();
  const constant = new Pairs();
  const byType = typeMap.map(() => new Pairs());
  const bias = energyBias(compositions(training, typeMap.length), typeMap.length).bias;
  for (const { system, frames, prediction } of all) {
    const { atomCount: atoms, labels } = system;
    for (let frame = 0; frame < frames; frame++) {
      const types = frameTypes(system, frame);
      const real = types.filter((t) => t >= 0);
      if (labels.energy?.found[frame] === 1) {
        const label = labels.energy.data[frame] / real.length;
        energy.add(label, prediction.energy[frame] / real.length);
        constant.add(label, real.reduce((sum, t) => sum + bias[t], 0) / real.length);
      }
      if (labels.force?.found[frame] !== 1) continue;
      for (let k = 0; k < 3 * atoms; k++) {
        const type = types[Math.floor(k / 3)];
        if (type < 0) continue;
        const [label, predicted] = [
          labels.force.data[frame * 3 * atoms + k],
          prediction.force[frame * 3 * atoms + k],
        ];
        force.add(label, predicted);
        byType[type].add(label, predicted);
      }
    }
  }
  const summary: SummaryRow[] = [];
  if (force.count > 0) summary.push(summaryRow("force", "eV/Å", force, force.labelRms(), limits?.force));
  if (energy.count > 0)
    summary.push(summaryRow("energy", "eV/atom", energy, constant.rmse(), limits?.energy));
  const elements = byType.flatMap((pairs, t) => (pairs.count === 0 ? [] : [elementRow(typeMap[t], pairs)]));
  return { energy: energy.parity(), force: force.parity(), summary, elements };
}

function summaryRow(
  quantity: string,
  unit: string,
  pairs: Pairs,
  constant: number,
  limit: number | undefined,
): SummaryRow {
  return { quantity, unit, rmse: pairs.rmse(), spread: pairs.spread(), constant, limit };
}

function elementRow(element: string, pairs: Pairs): ElementRow {
  return {
    element,
    atoms: pairs.count / 3,
    mae: pairs.mae(),
    rmse: pairs.rmse(),
    labelRms: pairs.labelRms(),
  };
}

function compositions(systems: readonly DeepmdSystem[], typeCount: number): Composition[] {
  return systems.flatMap((system) => {
    const { energy } = system.labels;
    if (energy === undefined) return [];
    const out: Composition[] = [];
    for (let frame = 0; frame < system.frameCount; frame++) {
      if (energy.found[frame] === 0) continue;
      const counts = new Float64Array(typeCount);
      for (const t of frameTypes(system, frame)) if (t >= 0) counts[t]++;
      out.push({ energy: energy.data[frame], counts });
    }
    return out;
  });
}

class Pairs {
  private readonly label: number[] = [];
  private readonly predicted: number[] = [];

  get count(): number {
    return this.label.length;
  }

  add(label: number, predicted: number): void {
    this.label.push(label);
    this.predicted.push(predicted);
  }

  parity(): Parity | undefined {
    if (this.count === 0) return undefined;
    return { label: Float64Array.from(this.label), predicted: Float64Array.from(this.predicted) };
  }

  rmse(): number {
    return Math.sqrt(this.mean((label, k) => (this.predicted[k] - label) ** 2));
  }

  mae(): number {
    return this.mean((label, k) => Math.abs(this.predicted[k] - label));
  }

  labelRms(): number {
    return Math.sqrt(this.mean((label) => label ** 2));
  }

  spread(): number {
    const mean = this.mean((label) => label);
    return Math.sqrt(this.mean((label) => (label - mean) ** 2));
  }

  private mean(of: (label: number, k: number) => number): number {
    return this.label.reduce((sum, label, k) => sum + of(label, k), 0) / this.count;
  }
}
