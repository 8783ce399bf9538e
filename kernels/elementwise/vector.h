// The functions of tools/elementwise/functions.mjs on vectors: comparisons as numbers, and lane-wise choice.
#pragma once
#include <cmath>

#include "../../native/vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> AG_INLINE V<T> oneWhere(VInt<T> mask) { return (V<T>)(mask & (VInt<T>)splat<T>(T(1))); }
template <class T> AG_INLINE V<T> vlt(V<T> a, V<T> b) { return oneWhere<T>(a < b); }
template <class T> AG_INLINE V<T> vle(V<T> a, V<T> b) { return oneWhere<T>(a <= b); }
template <class T> AG_INLINE V<T> veq(V<T> a, V<T> b) { return oneWhere<T>(a == b); }
template <class T> AG_INLINE V<T> vwhere(V<T> m, V<T> a, V<T> b) { return select<T>(m != splat<T>(T(0)), a, b); }

#define LANEWISE(name)                                                                                                 \
  template <class W> AG_INLINE W name##Of(W x) {                                                                       \
    for (unsigned k = 0; k < sizeof(x) / sizeof(x[0]); ++k) x[k] = std::name(x[k]);                                    \
    return x;                                                                                                          \
  }                                                                                                                    \
  AG_INLINE V<float> name(V<float> x) { return name##Of(x); }                                                          \
  AG_INLINE V<double> name(V<double> x) { return name##Of(x); }
LANEWISE(sin)
LANEWISE(cos)
AG_INLINE V<float> pow(V<float> x, V<float> p) {
  for (int k = 0; k < kLanes<float>; ++k) x[k] = std::pow(x[k], p[k]);
  return x;
}
AG_INLINE V<double> pow(V<double> x, V<double> p) {
  for (int k = 0; k < kLanes<double>; ++k) x[k] = std::pow(x[k], p[k]);
  return x;
}

} // namespace
} // namespace AG_ISA
} // namespace ag
