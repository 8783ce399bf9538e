// Rows of the attention matrix and of its gradient; formulas in cpu.cc.
#pragma once
#include "../../native/largest.h"
#include "centres.h"

namespace ag {
namespace AG_ISA {
namespace {

// Two queries j, j + 1 of a centre with their rows of the operands. The last query of an odd number has a partner
// without gradient, whose results are thrown away.
template <class T> struct Pair {
  int64_t j;
  const T *l[2], *g[2], *change[2];
  T *to[2], *toG[2];

  // Pointers to the first rows of the centre; nullptr for what an op does not have.
  Pair(const Centre<T>& e, int64_t query, const T* logits, const T* slopes, const T* changes, T* out, T* outG)
      : j(query) {
    for (int r = 0; r < 2; ++r) {
      const bool real = j + r < e.n;
      const int64_t row = (real ? j + r : j) * e.n;
      l[r] = logits + row;
      g[r] = real ? slopes + row : e.row(kZeros);
      change[r] = changes ? changes + row : nullptr;
      to[r] = real ? out + row : e.row(kWaste);
      toG[r] = real ? outG + row : e.row(kWaste + 1);
    }
  }
};

template <class T, class M> AG_INLINE V<T> switches(const Edges<T>& j, const Edges<T>& k) {
  return M::smooth ? j.s * k.s : splat(T(1));
}
template <class T> AG_INLINE V<T> cosine(const Edges<T>& j, const Edges<T>& k) {
  return fma(j.x, k.x, fma(j.y, k.y, j.z * k.z));
}
// What stands behind the softmax.
template <class T, class M> AG_INLINE V<T> factor(V<T> w, const Edges<T>& j, const Edges<T>& k) {
  if (!M::dotr) return w;
  return M::smooth ? w * cosine(j, k) : cosine(j, k);
}
// scale l + 20 before the gate; without one 20 would cancel.
template <class T, class M> AG_INLINE V<T> shifted(V<T> l, T scale) {
  return M::smooth ? fma(l, splat(scale), splat(T(20))) : l * scale;
}

// What is subtracted from the logits of a row, and what the empty slots add to its sum of powers.
template <class T> struct Base {
  V<T> largest;
  T phantom;
};

// Writes the gated logits of two rows to the scratch rows of powers.
template <class T, class M>
AG_INLINE void logits(const Centre<T>& e, T scale, const Pair<T>& p, const Edges<T> (&q)[2], Base<T> (&base)[2]) {
  V<T> m[2];
  for (int r = 0; r < 2; ++r) m[r] = splat(M::smooth && e.pad > 0 ? T(0) : T(-1e30));
  e.eachVector([&](auto at) {
    const Edges<T> keys = e.keys(at.k);
    for (int r = 0; r < 2; ++r) {
      V<T> y = shifted<T, M>(at.get(p.l[r]), scale);
      if (M::smooth) y *= switches<T, M>(q[r], keys);
      y = at.orNothing(y);
      store(e.row(kPowers + r) + at.k, y);
      m[r] = max(m[r], y);
    }
  });
  for (int r = 0; r < 2; ++r) {
    base[r].largest = splat(largestLane<T>(m[r]));
    base[r].phantom = M::smooth && e.pad > 0 ? e.pad * exp(-base[r].largest)[0] : T(0);
  }
}

template <class T, class M> static void weights(const Centre<T>& e, T scale, const Pair<T>& p) {
  Edges<T> q[2];
  Base<T> base[2];
  for (int r = 0; r < 2; ++r) q[r] = e.query(p.j + r);
  logits<T, M>(e, scale, p, q, base);
  V<T> sum[2] = {};
  e.eachVector([&](auto at) {
    for (int r = 0; r < 2; ++r) {
      T* to = e.row(kPowers + r) + at.k;
      const V<T> power = exp(load(to) - base[r].largest);
      store(to, power);
      sum[r] += power;
    }
  });
  V<T> inverse[2];
  for (int r = 0; r < 2; ++r) inverse[r] = splat(T(1) / (sumLanes<T>(sum[r]) + base[r].phantom));
  e.eachVector([&](auto at) {
    const Edges<T> keys = e.keys(at.k);
    for (int r = 0; r < 2; ++r) {
      const V<T> b = load(e.row(kPowers + r) + at.k) * inverse[r];
      at.put(p.to[r], b * factor<T, M>(switches<T, M>(q[r], keys), q[r], keys));
    }
  });
}

// Gradients of the edges: the sums over a row's keys, and what each key gets from the rows.
template <class T> struct Sums {
  V<T> s = {}, x = {}, y = {}, z = {};
};

// Adds the matrix of gradients m (of w) and k (of the cosine): q gets its keys' part, the keys get q's.
template <class T, class M>
AG_INLINE void addEdges(Sums<T>& row, Edges<T>& columns, V<T> m, V<T> k, const Edges<T>& q, const Edges<T>& keys) {
  if (M::smooth) {
    row.s = fma(m, keys.s, row.s);
    columns.s = fma(m, q.s, columns.s);
  }
  if (M::dotr) {
    row.x = fma(k, keys.x, row.x);
    row.y = fma(k, keys.y, row.y);
    row.z = fma(k, keys.z, row.z);
    columns.x = fma(k, q.x, columns.x);
    columns.y = fma(k, q.y, columns.y);
    columns.z = fma(k, q.z, columns.z);
  }
}
template <class T, class M> AG_INLINE void storeColumns(const Centre<T>& e, int64_t k, const Edges<T>& columns) {
  if (M::smooth) store(e.row(kColumns) + k, columns.s);
  if (!M::dotr) return;
  store(e.row(kColumns + 1) + k, columns.x);
  store(e.row(kColumns + 2) + k, columns.y);
  store(e.row(kColumns + 3) + k, columns.z);
}
template <class T, class M> AG_INLINE void addRow(const Centre<T>& e, int64_t j, const Sums<T>& row) {
  if (M::smooth) e.row(kColumns)[j] += sumLanes<T>(row.s);
  if (!M::dotr) return;
  e.row(kColumns + 1)[j] += sumLanes<T>(row.x);
  e.row(kColumns + 2)[j] += sumLanes<T>(row.y);
  e.row(kColumns + 3)[j] += sumLanes<T>(row.z);
}

// dy = b (g c - sum b g c); the gradient of l is scale w dy, that of w is dy (scale l + 20) + g b cosine, of the cosine
// g b w.
template <class T, class M, bool kGates> static void slopes(const Centre<T>& e, T scale, const Pair<T>& p) {
  Edges<T> q[2];
  Base<T> base[2];
  for (int r = 0; r < 2; ++r) q[r] = e.query(p.j + r);
  logits<T, M>(e, scale, p, q, base);
  V<T> sum[2] = {}, along[2] = {};
  e.eachVector([&](auto at) {
    const Edges<T> keys = e.keys(at.k);
    for (int r = 0; r < 2; ++r) {
      T* to = e.row(kPowers + r) + at.k;
      const V<T> power = exp(load(to) - base[r].largest);
      const V<T> slope = at.get(p.g[r]) * factor<T, M>(switches<T, M>(q[r], keys), q[r], keys);
      store(to, power);
      store(e.row(kSlopes + r) + at.k, slope);
      sum[r] += power;
      along[r] = fma(power, slope, along[r]);
    }
  });
  V<T> inverse[2];
  Sums<T> row[2];
  for (int r = 0; r < 2; ++r) {
    const T one = T(1) / (sumLanes<T>(sum[r]) + base[r].phantom);
    inverse[r] = splat(one);
    along[r] = splat(sumLanes<T>(along[r]) * one);
  }
  e.eachVector([&](auto at) {
    const Edges<T> keys = e.keys(at.k);
    Edges<T> columns = kGates ? e.keys(at.k, kColumns) : Edges<T>{};
    for (int r = 0; r < 2; ++r) {
      const V<T> b = load(e.row(kPowers + r) + at.k) * inverse[r];
      const V<T> dy = b * (load(e.row(kSlopes + r) + at.k) - along[r]);
      const V<T> w = switches<T, M>(q[r], keys);
      at.put(p.to[r], M::smooth ? dy * w * scale : dy * scale);
      if (!kGates) continue;
      const V<T> gb = at.get(p.g[r]) * b;
      const V<T> ofSwitches = fma(dy, shifted<T, M>(at.get(p.l[r]), scale), M::dotr ? gb * cosine(q[r], keys) : gb);
      addEdges<T, M>(row[r], columns, ofSwitches, M::smooth ? gb * w : gb, q[r], keys);
    }
    if (kGates) storeColumns<T, M>(e, at.k, columns);
  });
  if (kGates)
    for (int r = 0; r < 2; ++r) addRow<T, M>(e, p.j + r, row[r]);
}

} // namespace
} // namespace AG_ISA
} // namespace ag
