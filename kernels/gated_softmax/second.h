// Rows of the second derivative. With changes of l, s and u given (dots), the sum of g times the change of A has the
// gradients
//   of g:      A' = b' c + b c',  b' = b (y' - sum b y'),  y' = scale l' w + (scale l + 20) w'
//   of l:      scale (dy' w + dy w'),  dy' = b' (g c - a) + b (g c' - a'),  a = sum b g c
//   of w:      dy' (scale l + 20) + dy scale l' + g (b' cosine + b cosine'),  of the cosine: g (b' w + b w')
// which are the changes of the gradients in first.h.
#pragma once
#include "first.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T, class M>
AG_INLINE V<T> switchChanges(const Edges<T>& j, const Edges<T>& k, const Edges<T>& dj, const Edges<T>& dk) {
  return M::smooth ? fma(dj.s, k.s, j.s * dk.s) : V<T>{};
}
template <class T>
AG_INLINE V<T> cosineChanges(const Edges<T>& j, const Edges<T>& k, const Edges<T>& dj, const Edges<T>& dk) {
  return cosine(dj, k) + cosine(j, dk);
}

template <class T, class M, bool kGates> static void bends(const Centre<T>& e, T scale, const Pair<T>& p) {
  Edges<T> q[2], dq[2];
  Base<T> base[2];
  for (int r = 0; r < 2; ++r) q[r] = e.query(p.j + r);
  for (int r = 0; r < 2; ++r) dq[r] = e.query(p.j + r, kChange);
  logits<T, M>(e, scale, p, q, base);
  V<T> sum[2] = {}, along[2] = {}, drift[2] = {}, alongChange[2] = {};
  e.eachVector([&](auto at) {
    const Edges<T> keys = e.keys(at.k), dkeys = e.keys(at.k, kChange);
    for (int r = 0; r < 2; ++r) {
      T* to = e.row(kPowers + r) + at.k;
      const V<T> power = exp(load(to) - base[r].largest);
      const V<T> w = switches<T, M>(q[r], keys), dw = switchChanges<T, M>(q[r], keys, dq[r], dkeys);
      V<T> c = w, dc = dw;
      if (M::dotr) {
        const V<T> d = cosine(q[r], keys), dd = cosineChanges(q[r], keys, dq[r], dkeys);
        c = M::smooth ? w * d : d;
        dc = M::smooth ? fma(dw, d, w * dd) : dd;
      }
      V<T> dy = p.change[r] ? at.get(p.change[r]) * scale : V<T>{};
      if (M::smooth) dy = fma(dy, w, shifted<T, M>(at.get(p.l[r]), scale) * dw);
      const V<T> g = at.get(p.g[r]);
      store(to, power);
      store(e.row(kLogitChanges + r) + at.k, dy);
      store(e.row(kFactors + r) + at.k, c);
      store(e.row(kFactorChanges + r) + at.k, dc);
      sum[r] += power;
      along[r] = fma(power, g * c, along[r]);
      drift[r] = fma(power, dy, drift[r]);
      alongChange[r] = fma(power, g * fma(dy, c, dc), alongChange[r]);
    }
  });
  V<T> inverse[2];
  Sums<T> row[2];
  for (int r = 0; r < 2; ++r) {
    const T one = T(1) / (sumLanes<T>(sum[r]) + base[r].phantom);
    const T a = sumLanes<T>(along[r]) * one, d = sumLanes<T>(drift[r]) * one;
    inverse[r] = splat(one);
    alongChange[r] = splat(sumLanes<T>(alongChange[r]) * one - a * d);
    along[r] = splat(a);
    drift[r] = splat(d);
  }
  e.eachVector([&](auto at) {
    const Edges<T> keys = e.keys(at.k), dkeys = e.keys(at.k, kChange);
    Edges<T> columns = kGates ? e.keys(at.k, kColumns) : Edges<T>{};
    for (int r = 0; r < 2; ++r) {
      const V<T> b = load(e.row(kPowers + r) + at.k) * inverse[r];
      const V<T> c = load(e.row(kFactors + r) + at.k), dc = load(e.row(kFactorChanges + r) + at.k);
      const V<T> db = b * (load(e.row(kLogitChanges + r) + at.k) - drift[r]);
      const V<T> g = at.get(p.g[r]), w = switches<T, M>(q[r], keys);
      const V<T> dw = switchChanges<T, M>(q[r], keys, dq[r], dkeys);
      at.put(p.toG[r], fma(db, c, b * dc));
      const V<T> rest = fma(g, c, -along[r]);
      const V<T> slope = b * rest, bend = fma(db, rest, b * fma(g, dc, -alongChange[r]));
      at.put(p.to[r], (M::smooth ? fma(bend, w, slope * dw) : bend) * scale);
      if (!kGates) continue;
      const V<T> l = shifted<T, M>(at.get(p.l[r]), scale);
      const V<T> dl = p.change[r] ? at.get(p.change[r]) * scale : V<T>{};
      const V<T> d = M::dotr ? cosine(q[r], keys) : splat(T(1));
      const V<T> dd = M::dotr ? cosineChanges(q[r], keys, dq[r], dkeys) : V<T>{};
      addEdges<T, M>(row[r], columns, fma(slope, l, g * b * d), g * b * w, dq[r], dkeys);
      const V<T> ofSwitches = fma(bend, l, fma(slope, dl, g * fma(db, d, b * dd)));
      addEdges<T, M>(row[r], columns, ofSwitches, g * fma(db, w, b * dw), q[r], keys);
    }
    if (kGates) storeColumns<T, M>(e, at.k, columns);
  });
  if (kGates)
    for (int r = 0; r < 2; ++r) addRow<T, M>(e, p.j + r, row[r]);
}

} // namespace
} // namespace AG_ISA
} // namespace ag
