/** Pieces that wait to be joined. */
const mostPieces = 4096;

/** A text that grows piece by piece: however short the pieces, it takes little more memory than its letters. */
export class LongText {
  private readonly joined: string[] = [];
  private pieces: string[] = [];
  private letters = 0;

  /** @param longest letters that it may have */
  constructor(private readonly longest: number) {}

  /** Whether the text stays within its limit; what goes beyond is not kept. */
  add(piece: string): boolean {
    this.letters += piece.length;
    if (this.letters > this.longest) return false;
    this.pieces.push(piece);
    if (this.pieces.length === mostPieces) {
      this.joined.push(this.pieces.join(""));
      this.pieces = [];
    }
    return true;
  }

  toString(): string {
    return this.joined.join("") + this.pieces.join("");
  }
}
