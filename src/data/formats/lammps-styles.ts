import type { Lines } from "../text/lines.js";
import { shown } from "../text/numbers.js";
import type { LammpsRows } from "./lammps-rows.js";

/** The columns of each atom style behind the id of the atom, by the names their fields get. */
const styles: ReadonlyMap<string, readonly string[]> = new Map([
  ["atomic", ["type", "x", "y", "z"]],
  ["charge", ["type", "charge", "x", "y", "z"]],
  ["sphere", ["type", "diameter", "density", "x", "y", "z"]],
  ["spin", ["type", "x", "y", "z", "spx", "spy", "spz", "sp"]],
  ["bond", ["molecule", "type", "x", "y", "z"]],
  ["angle", ["molecule", "type", "x", "y", "z"]],
  ["molecular", ["molecule", "type", "x", "y", "z"]],
  ["full", ["molecule", "type", "charge", "x", "y", "z"]],
]);

/** Where a column of a style stands in its rows, behind the id. */
export function columnOf(style: readonly string[], name: string): number {
  return style.indexOf(name) + 1;
}

/** The style named after `Atoms #`, else the one that fits the number of columns; three image flags may follow its own. */
export function styleOf(lines: Lines, rows: LammpsRows, name: string | null): readonly string[] {
  if (name === null) return styles.get(usualStyle(lines, rows))!;
  const style = styles.get(name);
  if (style === undefined)
    throw lines.error(`the atom style ${shown(name)} is not known; known: ${[...styles.keys()].join(", ")}`);
  if (rows.count === 0) return style;
  const found = rows.width;
  const own = style.length + 1;
  if (found === own || found === own + 3) return style;
  const spin = styles.get("spin")!;
  // As dpdata writes magnetic structures; LAMMPS itself takes no such rows for atomic.
  if (name === "atomic" && found === spin.length + 1) return spin;
  throw lines.error(
    `atoms of the style ${name} have ${own} columns, or ${own + 3} with image flags; the section Atoms has ${found}: name another style after "Atoms #" (${[...styles.keys()].join(", ")})`,
  );
}

function usualStyle(lines: Lines, rows: LammpsRows): string {
  const width = rows.count > 0 ? rows.width : 5;
  const bare = width > 7 ? width - 3 : width;
  if (bare === 5) return "atomic";
  if (bare === 7) return "full";
  if (bare === 6) return rows.holdsWhole(2) ? "molecular" : "charge";
  throw lines.error(`atoms with ${width} columns; name the style after "Atoms #"`);
}
