import { Tensor } from "./tensor.js";

/** Anything a scope can return: tensors, also inside arrays and plain objects, or values without tensors. */
export type Returned = unknown;

/**
 * Runs `f` and frees every tensor made inside that it does not return (directly or inside arrays and plain objects).
 * Returned tensors belong to the enclosing scope. What the tape still needs stays alive until the tape lets go.
 */
export function scope<R extends Returned>(f: () => R): R {
  const made = Tensor.openScope();
  let result: R | undefined;
  try {
    result = f();
    if (result instanceof Promise)
      throw new TypeError("scope(f): f must not be async; read results after the scope, or use scopeAsync");
    return result;
  } finally {
    closeScope(made, result);
  }
}

/** Like `scope` for an async `f`. Only one asynchronous scope may be open at a time on a thread. */
export async function scopeAsync<R extends Returned>(f: () => Promise<R>): Promise<R> {
  const made = Tensor.openScope();
  let result: R | undefined;
  try {
    result = await f();
    return result;
  } finally {
    closeScope(made, result);
  }
}

function closeScope(made: Tensor[], result: Returned): void {
  Tensor.closeScope();
  const kept = new Set<Tensor>();
  collect(result, kept, 0);
  for (const tensor of made) {
    if (kept.size > 0 && kept.has(tensor)) tensor.adopt();
    else tensor.dispose();
  }
}

function collect(value: unknown, into: Set<Tensor>, depth: number): void {
  if (value instanceof Tensor) into.add(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into, depth + 1);
  else if (depth < 4 && value !== null && typeof value === "object" && isPlain(value))
    for (const item of Object.values(value)) collect(item, into, depth + 1);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Takes a tensor out of its scope: it lives until `dispose()` (parameters, caches). Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  tensor.detachFromScope();
  return tensor;
}
