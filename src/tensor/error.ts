/**
 * Stable error codes. Programs may switch on them; the message is for people.
 *
 * SHAPE    a size or rank that does not fit        DTYPE    a number type that does not fit
 * VALUE    a value outside its allowed range       DEVICE   a device that is missing or cannot do this
 * DISPOSED a tensor used after its memory was given back
 * GRAD     a gradient that does not exist          ASYNC_DEVICE  a synchronous read where only `await` works
 * FILE     a file that is missing, unreadable or unwritable
 * FORMAT   a file whose content is not what its format says
 * CONFIG   a wrong key or value in a user's configuration
 * NATIVE   the native addon cannot be loaded       NUMERIC  NaN or infinity where a number is needed
 */
export type ErrorCode =
  | "SHAPE"
  | "DTYPE"
  | "VALUE"
  | "DEVICE"
  | "DISPOSED"
  | "GRAD"
  | "ASYNC_DEVICE"
  | "FILE"
  | "FORMAT"
  | "CONFIG"
  | "NATIVE"
  | "NUMERIC";

/** The one error this package throws for bad input: says what was found, what is allowed and what to do. */
export class AtomgradError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "AtomgradError";
    this.code = code;
  }
}
