const words = 624;
const half = 397;

/** The 32-bit words of the Mersenne Twister MT19937 after `init_genrand(seed)`. */
function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(words);
  state[0] = seed;
  for (let k = 1; k < words; k++) state[k] = Math.imul(1812433253, state[k - 1] ^ (state[k - 1] >>> 30)) + k;
  let at = words;
  const twist = (): void => {
    for (let k = 0; k < words; k++) {
      const y = (state[k] & 0x80000000) | (state[(k + 1) % words] & 0x7fffffff);
      state[k] = state[(k + half) % words] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    at = 0;
  };
  return () => {
    if (at === words) twist();
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

/**
 * The normal numbers that PyTorch draws on the CPU in float64 from a fresh generator: those e3nn estimates moments with. `count`
 * must be a multiple of 16. Source: spec equivariant 3.6.
 */
export function mersenneNormals(seed: number, count: number): Float64Array {
  const word = mersenneTwister(seed);
  const out = Float64Array.from({ length: count }, () => {
    const high = word() & 0x1fffff;
    return (high * 2 ** 32 + word()) / 2 ** 53;
  });
  for (let block = 0; block < count; block += 16)
    for (let j = block; j < block + 8; j++) {
      const radius = Math.sqrt(-2 * Math.log(1 - out[j]));
      const angle = 2 * Math.PI * out[j + 8];
      out[j] = radius * Math.cos(angle);
      out[j + 8] = radius * Math.sin(angle);
    }
  return out;
}
