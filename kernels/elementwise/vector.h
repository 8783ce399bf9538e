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

// In double precision: the argument reduction of float would need one of its own.
template <class F> AG_INLINE V<float> inDouble(V<float> x, F&& f) {
  for (int half = 0; half < 2; ++half) {
    const int first = half * kLanes<double>;
    V<double> wide;
    for (int k = 0; k < kLanes<double>; ++k) wide[k] = x[first + k];
    wide = f(wide);
    for (int k = 0; k < kLanes<double>; ++k) x[first + k] = static_cast<float>(wide[k]);
  }
  return x;
}
AG_INLINE V<float> sin(V<float> x) {
  return inDouble(x, [](V<double> y) AG_ALWAYS { return sin(y); });
}
AG_INLINE V<float> cos(V<float> x) {
  return inDouble(x, [](V<double> y) AG_ALWAYS { return cos(y); });
}
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
