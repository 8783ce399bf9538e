import { DeepPot, type LoadOptions } from "../models/deepmd/deep-pot.js";

/** The potential of a file; what its user should know of how it computes goes to stderr. Errors as `DeepPot.load`. */
export async function openPot(path: string, options: LoadOptions = {}): Promise<DeepPot> {
  const pot = await DeepPot.load(path, options);
  for (const note of pot.notes) console.error(`${path}: ${note}`);
  return pot;
}
