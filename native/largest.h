// Largest numbers, by registers.
#pragma once
#include "vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> AG_INLINE T largestLane(V<T> v) {
  T a[kLanes<T>];
  std::memcpy(a, &v, sizeof(v));
  for (int w = kLanes<T> / 2; w > 0; w /= 2)
    for (int k = 0; k < w; ++k) a[k] = a[k] > a[k + w] ? a[k] : a[k + w];
  return a[0];
}

// Of n > 0 numbers. The last register ends with them: some may count twice.
template <class T> static inline T largestOf(const T* x, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  if (n < L) {
    T largest = x[0];
    for (int64_t k = 1; k < n; ++k) largest = x[k] > largest ? x[k] : largest;
    return largest;
  }
  V<T> m[4];
  for (auto& part : m) part = load(x);
  int64_t k = L;
  for (; k + 4 * L <= n; k += 4 * L)
    for (int j = 0; j < 4; ++j) m[j] = max(m[j], load(x + k + j * L));
  for (; k + L <= n; k += L) m[0] = max(m[0], load(x + k));
  m[1] = max(m[1], load(x + n - L));
  return largestLane<T>(max(max(m[0], m[1]), max(m[2], m[3])));
}

} // namespace
} // namespace AG_ISA
} // namespace ag
