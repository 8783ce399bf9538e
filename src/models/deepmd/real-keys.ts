/** Keys of models whose numbers are real, however they were written: Python and TorchScript tell 6 and 6.0 apart. */
const realKeys: ReadonlySet<string> = new Set([
  ...["rcut", "rcut_smth", "env_protection", "protection", "scaling_factor", "temperature", "ln_eps", "eps"],
  ...["default_fparam", "rcond", "atom_ener", "preset_out_bias", "data_stat_protect"],
]);

/** Whether the numbers under a key, also in lists and sections below it, are real. */
export function isRealKey(key: string): boolean {
  return realKeys.has(key);
}
