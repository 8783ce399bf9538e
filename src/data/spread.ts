/** So many of the numbers 0 ... all - 1, evenly spread; all of them where there are not that many. */
export function spreadOver(all: number, count: number): number[] {
  const taken = Math.min(count, all);
  return Array.from({ length: taken }, (_, k) => Math.floor((k * all) / taken));
}
