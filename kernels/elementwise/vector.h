// The functions of tools/elementwise/functions.mjs on vectors: comparisons as numbers, and lane-wise choice.
#pragma once
#include <cmath>
#include "../../native/simd.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> AG_INLINE V<T> oneWhere(VInt<T> mask) { return (V<T>)(mask & (VInt<T>)splat<T>(T(1))); }
template <class T> AG_INLINE V<T> vlt(V<T> a, V<T> b) { return oneWhere<T>(a < b); }
template <class T> AG_INLINE V<T> vle(V<T> a, V<T> b) { return oneWhere<T>(a <= b); }
template <class T> AG_INLINE V<T> veq(V<T> a, V<T> b) { return oneWhere<T>(a == b); }
template <class T> AG_INLINE V<T> vwhere(V<T> m, V<T> a, V<T> b) { return select<T>(m != splat<T>(T(0)), a, b); }
#define TMP1(name, fn) template <class T> AG_INLINE V<T> name(V<T> x) { for (int k = 0; k < kLanes<T>; ++k) x[k] = fn(x[k]); return x; }
TMP1(vexp, std::exp) TMP1(vlog, std::log) TMP1(vtanh, std::tanh) TMP1(vsqrt, std::sqrt) TMP1(vsin, std::sin) TMP1(vcos, std::cos) TMP1(vabs, std::fabs)
template <class T> AG_INLINE V<T> vsigmoid(V<T> x) { return splat<T>(T(1)) / (splat<T>(T(1)) + vexp<T>(-x)); }
template <class T> AG_INLINE V<T> vmin(V<T> a, V<T> b) { return select<T>(a < b, a, b); }
template <class T> AG_INLINE V<T> vmax(V<T> a, V<T> b) { return select<T>(a > b, a, b); }
template <class T> AG_INLINE V<T> vpow(V<T> x, V<T> p) { for (int k = 0; k < kLanes<T>; ++k) x[k] = std::pow(x[k], p[k]); return x; }

}  // namespace
}  // namespace AG_ISA
}  // namespace ag
