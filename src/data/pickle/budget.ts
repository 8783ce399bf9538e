import { AtomgradError } from "../../tensor/error.js";

/** Counts the memory that the objects of one pickle take, roughly, and refuses to go on above a limit. */
export class Budget {
  private spent = 0;

  constructor(
    private readonly file: string,
    private readonly limit: number,
  ) {}

  spend(bytes: number): void {
    this.spent += bytes;
    if (this.spent <= this.limit) return;
    throw new AtomgradError(
      "FORMAT",
      `${this.file}: its pickle describes more objects than fit into ${Math.round(this.limit / 2 ** 20)} MB, which is refused`,
    );
  }
}
