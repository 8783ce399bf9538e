import { AtomgradError } from "../../tensor/error.js";

/**
 * Runs a part of a reader. Readers refuse what they cannot read themselves; an error of the language, which a file they did
 * not foresee brought about, is the file's all the same and not the program's. Errors: as the reader's, else FORMAT.
 */
export function refusingUnforeseen<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refusal(name, error);
  }
}

/** The frames that a reader gives, its errors as `refusingUnforeseen` has them. */
export function* foreseenFrames<T>(name: string, frames: () => Iterable<T>): Generator<T> {
  try {
    yield* frames();
  } catch (error) {
    throw refusal(name, error);
  }
}

function refusal(name: string, error: unknown): unknown {
  if (error instanceof AtomgradError || !(error instanceof Error)) return error;
  return new AtomgradError(
    "FORMAT",
    `${name}: cannot be read (${error.message.slice(0, 200)}); its content is not as this format has it. If other programs read it, please report it`,
    { cause: error },
  );
}
