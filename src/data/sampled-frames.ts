/** So many of the numbers 0 ... all - 1, evenly spread; all of them where there are not that many. */
export function spreadOver(all: number, count: number): number[] {
  const taken = Math.min(count, all);
  return Array.from({ length: taken }, (_, k) => Math.floor((k * all) / taken));
}

/** So many frames of a set whose atoms are counted, fewer where they would have more atoms than they may. */
export function affordable(
  count: number,
  frames: number,
  atoms: number,
  limits: { readonly atoms: number; readonly fewest: number } = { atoms: Infinity, fewest: 0 },
): number {
  const most = Math.floor((limits.atoms * frames) / Math.max(1, atoms));
  return Math.min(count, Math.max(limits.fewest, most));
}
