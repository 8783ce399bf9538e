import { Irrep } from "./irrep.js";

type Degree = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/** Irreps by name up to degree 12, as e3nn's `o3.irrep`: `irrep.l1o` is `Irrep.of("1o")`. */
export const irrep: Readonly<Record<`l${Degree}${"e" | "o"}`, Irrep>> = Object.fromEntries(
  Array.from(Irrep.iterator(12), (ir) => [`l${ir.toString()}`, ir]),
) as Record<`l${Degree}${"e" | "o"}`, Irrep>;
