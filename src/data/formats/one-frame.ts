import { AtomgradError } from "../../tensor/error.js";
import type { Structure } from "../structure.js";

/** The only structure of a file that can hold one. Errors: VALUE when there are several or none. */
export function onlyStructure(structures: Iterable<Structure>, format: string): Structure {
  let found: Structure | null = null;
  for (const structure of structures) {
    if (found !== null)
      throw new AtomgradError(
        "VALUE",
        `a ${format} file holds one structure, several are given; pick one with --frames`,
      );
    found = structure;
  }
  if (found === null) throw new AtomgradError("VALUE", `no structure to write as ${format}`);
  return found;
}
