// Attention weights between the edges j, k of a centre (DPA-1, arXiv:2208.08236; spec deepmd 2.8) with first and second
// derivatives. Per row j of a centre's n x n matrix, over its keys k:
//   w_jk = s_j s_k (smooth, else 1)       c_jk = w_jk (u_j . u_k) (dotr, else w_jk)
//   y_jk = (scale l_jk + 20) w_jk         (smooth, else scale l_jk; the constant -20 after the gate cancels)
//   b_jk = exp(y_jk - m) / (sum exp(y_jk - m) + pad exp(-m)),  m = max(y, 0 if pad > 0)   (pad counts in smooth mode
//   only) A_jk = b_jk c_jk
//
// Layout: matrices row-major, one after the other in [P]; s and u of a centre are turned into scratch rows of whole
// vectors. Strategy: vector lanes along k; a row of l stays in the first-level cache between its passes (logits and
// their largest; powers and sums; results), so memory sees each [P] operand once and nothing of size [P] is kept but l:
// the powers are computed again in every derivative, which costs about as much as reading them would. Two rows j at a
// time: they share the loads of the keys, and the columns of the edges' gradients are read and written half as often.
// Centres are dealt out in at most 64 runs of about equal numbers of pairs. Bound (8 or 4 bytes an element, one exp
// each): gatedSoftmax 2 P, gatedSoftmaxVjp 3 P, gatedSoftmaxVjpVjp 5 P elements. Measured, 1.6 M pairs, f32, two
// threads: value 1.5 ms, gradient 2.5 ms (21 and 24 % of an addition of as many bytes in the caches, 31 and 35 Gflop/s:
// exponentials and gates take the time).
#include "second.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> static int gatedSoftmax(const Call& c) {
  const Batch<T> b(c, 0);
  T* const to = out<T>(c, 6);
  return withMode(c, [&](auto mode) {
    return b.forEach(c, 1.5, {to}, [&](Centre<T>& e, int64_t at) {
      for (int64_t j = 0; j < e.n; j += 2)
        weights<T, decltype(mode)>(e, b.scale, {e, j, b.logits + at, b.logits + at, nullptr, to + at, to + at});
    });
  });
}

// Buffers: the gradient g, the inputs, then the gradients of logits and (kGates) of sw and unit.
template <class T, bool kGates> static int vjp(const Call& c) {
  const Batch<T> b(c, 1);
  const T* g = in<T>(c, 0);
  T *to = out<T>(c, 7), *sw = kGates ? out<T>(c, 8) : nullptr, *unit = kGates ? out<T>(c, 9) : nullptr;
  const int status = withMode(c, [&](auto mode) {
    return b.forEach(c, kGates ? 3 : 2, {to}, [&](Centre<T>& e, int64_t at) {
      if (kGates) e.clear(kColumns);
      for (int64_t j = 0; j < e.n; j += 2)
        slopes<T, decltype(mode), kGates>(e, b.scale, {e, j, b.logits + at, g + at, nullptr, to + at, to + at});
      if (kGates) e.gatherColumns(sw, unit);
    });
  });
  if (kGates && status == 0) b.clearSpare(sw, unit);
  return status;
}
template <class T> static int gatedSoftmaxVjp(const Call& c) { return vjp<T, true>(c); }
template <class T> static int gatedSoftmaxLogitsVjp(const Call& c) { return vjp<T, false>(c); }

// Buffers: changes of logits, sw and unit (each may be absent), g, the inputs, then the gradients of g, of logits and
// (kGates) of sw and unit.
template <class T, bool kGates> static int vjpVjp(const Call& c) {
  const Batch<T> b(c, 4);
  const T *change = in<T>(c, 0), *changeSw = in<T>(c, 1), *changeUnit = in<T>(c, 2), *g = in<T>(c, 3);
  T *toG = out<T>(c, 10), *to = out<T>(c, 11);
  T *sw = kGates ? out<T>(c, 12) : nullptr, *unit = kGates ? out<T>(c, 13) : nullptr;
  const int status = withMode(c, [&](auto mode) {
    return b.forEach(c, kGates ? 7 : 4, {toG, to}, [&](Centre<T>& e, int64_t at) {
      e.turn(kChange, changeSw, changeUnit);
      if (kGates) e.clear(kColumns);
      const T* changes = change ? change + at : nullptr;
      for (int64_t j = 0; j < e.n; j += 2)
        bends<T, decltype(mode), kGates>(e, b.scale, {e, j, b.logits + at, g + at, changes, to + at, toG + at});
      if (kGates) e.gatherColumns(sw, unit);
    });
  });
  if (kGates && status == 0) b.clearSpare(sw, unit);
  return status;
}
template <class T> static int gatedSoftmaxVjpVjp(const Call& c) { return vjpVjp<T, true>(c); }
template <class T> static int gatedSoftmaxPairVjpVjp(const Call& c) { return vjpVjp<T, false>(c); }

} // namespace

FAMILY(gated_softmax, KERNEL(gatedSoftmax), KERNEL(gatedSoftmaxVjp), KERNEL(gatedSoftmaxLogitsVjp),
       KERNEL(gatedSoftmaxVjpVjp), KERNEL(gatedSoftmaxPairVjpVjp))

} // namespace AG_ISA
} // namespace ag
