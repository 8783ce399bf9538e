/** Symbols of the elements 1 to 118; the symbol of atomic number Z stands at Z - 1. */
export const elementSymbols: readonly string[] = (
  "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr " +
  "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu " +
  "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr " +
  "Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split(" ");

const numbers: ReadonlyMap<string, number> = new Map([
  ...elementSymbols.map((symbol, k): [string, number] => [symbol, k + 1]),
  ["D", 1],
  ["T", 1],
]);

/** The atomic number of a symbol (D and T are hydrogen), or null. */
export function atomicNumberOf(symbol: string): number | null {
  return numbers.get(symbol) ?? null;
}

/** The symbol of an atomic number; X where it is not an element. */
export function symbolOf(atomicNumber: number): string {
  return elementSymbols[atomicNumber - 1] ?? "X";
}

/** Names sorted by atomic number; those of no element come last. */
export function byElement(names: readonly string[]): string[] {
  const place = (name: string): number => {
    const at = elementSymbols.indexOf(name);
    return at < 0 ? elementSymbols.length : at;
  };
  return [...names].sort((a, b) => place(a) - place(b));
}
