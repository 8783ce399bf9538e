/**
 * The elements of the heavy atoms of a SMILES string, in order: the organic subset, aromatic letters, and atoms in
 * brackets. Hydrogen counts, bonds, rings and stereo marks are passed over; explicit [H] counts as an atom.
 */
export function smilesElements(smiles: string): string[] {
  const atom = /\[\d*([A-Z][a-z]?|[a-z]{1,2}|\*)[^\]]*\]|(Cl|Br|[BCNOPSFI]|[bcnops])/g;
  return Array.from(smiles.matchAll(atom), ([, bracket, bare]) => {
    const name = bracket ?? bare;
    return name === "*" ? "X" : name[0].toUpperCase() + name.slice(1);
  });
}
