import { scientific } from "./lcurve.js";
import type { Quantity, SystemErrors } from "./test-errors.js";

/** Label and unit of a line, in the order of printing; MAE and RMSE stand on lines of their own. */
const lines: readonly (readonly [Quantity, mae: string, rmse: string, unit: string])[] = [
  ["energy", "Energy MAE         ", "Energy RMSE        ", "eV"],
  ["energyPerAtom", "Energy MAE/Natoms  ", "Energy RMSE/Natoms ", "eV"],
  ["force", "Force  MAE         ", "Force  RMSE        ", "eV/Å"],
  ["weightedForce", "Force weighted MAE ", "Force weighted RMSE", "eV/Å"],
  ["virial", "Virial MAE         ", "Virial RMSE        ", "eV"],
  ["virialPerAtom", "Virial MAE/Natoms  ", "Virial RMSE/Natoms ", "eV"],
  ["stress", "Stress MAE         ", "Stress RMSE        ", "eV/Å³"],
  ["atomEnergy", "Atomic ener MAE    ", "Atomic ener RMSE   ", "eV"],
];

const rule = "# ----------------------------------------------- ";

/** The summary of one system as `dp test` of DeePMD-kit 3.2 prints it, trailing blanks included. */
export function formatSystem(name: string, errors: SystemErrors): string {
  const head = [
    "# ---------------output of dp test--------------- ",
    `# testing system : ${name}`,
    `# number of test data : ${errors.frames} `,
  ];
  return [...head, ...measureLines(errors), rule].join("\n");
}

/** The average over all systems that ends the output. */
export function formatAverage(errors: SystemErrors, systems: number): string {
  const head = ["# ----------weighted average of errors----------- ", `# number of systems : ${systems}`];
  return [...head, ...measureLines(errors), rule].join("\n");
}

function measureLines({ measures }: SystemErrors): string[] {
  return lines.flatMap(([quantity, mae, rmse, unit]) => {
    const found = measures[quantity];
    if (found === undefined) return [];
    return [`${mae}: ${scientific(found.mae, 6)} ${unit}`, `${rmse}: ${scientific(found.rmse, 6)} ${unit}`];
  });
}
