// The basis of triplets from that of edges and that of angles, and its derivatives; formulas in cpu.cc.
//
// Layout: rows of F = L R functions, degree by degree. Strategy: a thread per number of the result; tripletRadial walks
// the triplets of its edge in the order of `order`, so that 32 threads read a piece of a row together. tripletJoint has
// a thread per edge and degree, which alone writes that degree of the edge's triplets and looks at g once, kChunk of
// its numbers at a time with their sums in registers. Bound: memory, F numbers a triplet. Not measured: has not run on
// hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kChunk = 8;

template <class T> int tripletProduct(const Call& c) {
  const int F = c.ints[1], L = c.ints[3], R = F / L;
  const T *radial = in<T>(c, 0), *angular = in<T>(c, 1);
  const int32_t* index = in<int32_t>(c, 2);
  T* to = out<T>(c, 5);
  return each(c, int64_t{c.ints[2]} * F, [=] __device__(int64_t k) {
    const int64_t t = k / F;
    const int f = static_cast<int>(k % F);
    to[k] = radial[int64_t{index[t]} * F + f] * angular[t * L + f / R];
  });
}

template <class T> int tripletRadial(const Call& c) {
  const int F = c.ints[1], L = c.ints[2], R = F / L;
  const T *g = in<T>(c, 0), *angular = in<T>(c, 1);
  const int32_t *order = in<int32_t>(c, 3), *ptr = in<int32_t>(c, 4);
  T* to = out<T>(c, 5);
  return each(c, int64_t{c.ints[3]} * F, [=] __device__(int64_t k) {
    const int64_t e = k / F;
    const int f = static_cast<int>(k % F), l = f / R;
    T sum = 0;
    for (int32_t at = ptr[e]; at < ptr[e + 1]; ++at) {
      const int64_t t = order[at];
      sum += g[t * F + f] * angular[t * L + l];
    }
    to[k] = sum;
  });
}

template <class T> int tripletAngular(const Call& c) {
  const int F = c.ints[1], L = c.ints[3], R = F / L;
  const T *g = in<T>(c, 0), *radial = in<T>(c, 1);
  const int32_t* index = in<int32_t>(c, 2);
  T* to = out<T>(c, 5);
  return each(c, int64_t{c.ints[0]} * L, [=] __device__(int64_t k) {
    const T *given = g + k * R, *row = radial + int64_t{index[k / L]} * F + k % L * R;
    T sum = 0;
    for (int n = 0; n < R; ++n) sum += given[n] * row[n];
    to[k] = sum;
  });
}

template <class T> int tripletJoint(const Call& c) {
  const int F = c.ints[1], L = c.ints[2], R = F / L;
  const T *g = in<T>(c, 0), *angular = in<T>(c, 1), *radial = in<T>(c, 2);
  const int32_t *order = in<int32_t>(c, 4), *ptr = in<int32_t>(c, 5);
  T *toRadial = out<T>(c, 6), *toAngular = out<T>(c, 7);
  return each(c, int64_t{c.ints[3]} * L, [=] __device__(int64_t k) {
    const int64_t e = k / L, l = k % L;
    const T* row = radial + k * R;
    int n = 0;
    do { // once where there are no radial functions: their sum is 0
      T sum[kChunk] = {}, weight[kChunk];
#pragma unroll
      for (int i = 0; i < kChunk; ++i) weight[i] = n + i < R ? row[n + i] : T(0);
      for (int32_t at = ptr[e]; at < ptr[e + 1]; ++at) {
        const int64_t t = int64_t{order[at]} * L + l;
        const T y = angular[t], *given = g + t * R + n;
        T total = n == 0 ? T(0) : toAngular[t];
#pragma unroll
        for (int i = 0; i < kChunk; ++i) {
          const T h = n + i < R ? given[i] : T(0);
          sum[i] += h * y;
          total += h * weight[i];
        }
        toAngular[t] = total;
      }
#pragma unroll
      for (int i = 0; i < kChunk; ++i)
        if (n + i < R) toRadial[k * R + n + i] = sum[i];
      n += kChunk;
    } while (n < R);
  });
}

} // namespace

CUDA_FAMILY(triplet_basis, CUDA_KERNEL(tripletProduct), CUDA_KERNEL(tripletRadial), CUDA_KERNEL(tripletAngular),
            CUDA_KERNEL(tripletJoint))

} // namespace cuda
} // namespace ag
