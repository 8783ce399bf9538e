import type { MetricsRow } from "../deepmd/metrics-file.js";

/** Label and prediction of many numbers of one kind. */
export interface Parity {
  readonly label: Float64Array;
  readonly predicted: Float64Array;
}

/** One line of the summary; numbers in `unit`. */
export interface SummaryRow {
  readonly quantity: string;
  readonly unit: string;
  /** Root mean square error of the model on the test frames. */
  readonly rmse: number;
  /** Standard deviation of the labels. */
  readonly spread: number;
  /** Root mean square error of a model that knows only the composition. */
  readonly constant: number;
  /** The largest error that counts as success, where there is one. */
  readonly limit: number | undefined;
}

/** Force errors of the atoms of one element, eV/angstrom. */
export interface ElementRow {
  readonly element: string;
  readonly atoms: number;
  readonly mae: number;
  readonly rmse: number;
  /** Root mean square of the labels. */
  readonly labelRms: number;
}

/** All a report shows. */
export interface ReportData {
  readonly title: string;
  readonly verdict: string;
  readonly summary: readonly SummaryRow[];
  readonly curve: readonly MetricsRow[];
  /** eV/atom; undefined where the test frames have no energies. */
  readonly energy: Parity | undefined;
  /** eV/angstrom; virtual atoms left out. */
  readonly force: Parity | undefined;
  readonly elements: readonly ElementRow[];
  readonly settings: readonly (readonly [string, string])[];
  readonly machine: readonly (readonly [string, string])[];
}
