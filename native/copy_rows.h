// Rows copied and filled one by one, past the caches where all of them together are larger than those: results that are
// read again later only, so that memory is written without being read first.
#pragma once
#include "simd.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kPastCachesBytes = 32 << 20;

// Whether `rows` rows of n numbers each, which begin at whole registers, are written past the caches.
template <class T> static inline bool pastCaches(int64_t rows, int64_t n) {
  const int64_t bytes = n * static_cast<int64_t>(sizeof(T));
  return bytes % AG_VECTOR_BYTES == 0 && rows * bytes >= kPastCachesBytes;
}

// Copies n numbers of any type; `past` as pastCaches says, and the caller calls streamEnd().
template <class T> AG_INLINE void copyRow(T* to, const T* from, int64_t n, bool past) {
  constexpr int64_t L = AG_VECTOR_BYTES / static_cast<int64_t>(sizeof(T));
  V<float> bits;
  if (past) {
    for (int64_t k = 0; k < n; k += L) {
      std::memcpy(&bits, from + k, sizeof(bits));
      stream(reinterpret_cast<float*>(to + k), bits);
    }
    return;
  }
  if (n < L) {
    for (int64_t k = 0; k < n; ++k) to[k] = from[k];
    return;
  }
  // The last register ends with the row and may overlap the one before.
  for (int64_t k = 0; k < n; k += L) {
    const int64_t at = k + L <= n ? k : n - L;
    std::memcpy(&bits, from + at, sizeof(bits));
    std::memcpy(to + at, &bits, sizeof(bits));
  }
}

// Writes x into n numbers.
template <class T> AG_INLINE void fillRow(T* to, T x, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  if (n < L) {
    for (int64_t k = 0; k < n; ++k) to[k] = x;
    return;
  }
  const V<T> all = splat<T>(x);
  for (int64_t k = 0; k < n; k += L) store(to + (k + L <= n ? k : n - L), all);
}

} // namespace
} // namespace AG_ISA
} // namespace ag
