// Centres and their edges as the kernels of gated softmax see them: scratch rows with a centre's edges turned to
// columns, vectors along a row of its matrix, and the runs of centres the team shares.
#pragma once
#include <cmath>
#include <cstring>

#include "../../native/segment_runs.h"
#include "../../native/simd.h"
#include "../../native/vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kRuns = 64; // op.ts gives each its scratch rows

// Which factors the attention has; known when compiled.
template <bool kSmooth, bool kDotr> struct Mode {
  static constexpr bool smooth = kSmooth, dotr = kDotr;
};
template <class F> static int withMode(const Call& c, F&& f) {
  const bool smooth = c.ints[3] != 0, dotr = c.ints[4] != 0;
  if (smooth) return dotr ? f(Mode<true, true>()) : f(Mode<true, false>());
  return dotr ? f(Mode<false, true>()) : f(Mode<false, false>());
}

// The vector at element k of a row. `get` and `put` touch only lanes of the row; those beyond it read as 0.
template <class T> struct At {
  int64_t k;
  int lanes;
  Tail<T> tail;

  At(int64_t at, int64_t n)
      : k(at), lanes(static_cast<int>(n - at < kLanes<T> ? n - at : kLanes<T>)), tail(tailOf<T>(lanes)) {}

#if defined(__AVX512F__)
  V<T> get(const T* p) const { return loadTail(p + k, tail); }
  void put(T* p, V<T> v) const { storeTail(p + k, v, tail); }
#else
  V<T> get(const T* p) const { return lanes == kLanes<T> ? load(p + k) : loadTail(p + k, tail); }
  void put(T* p, V<T> v) const {
    if (lanes == kLanes<T>) store(p + k, v);
    else storeTail(p + k, v, tail);
  }
#endif
  // A logit whose power is 0 in the lanes beyond the row.
  V<T> orNothing(V<T> y) const {
    V<T> lane;
    for (int j = 0; j < kLanes<T>; ++j) lane[j] = static_cast<T>(j);
    return select<T>(lane < splat(static_cast<T>(lanes)), y, splat(T(-1e30)));
  }
};

// Switch and unit vector of an edge in all lanes, or of the edges the lanes stand for; or their changes.
template <class T> struct Edges {
  V<T> s, x, y, z;
};

// Scratch rows of a run, of whole vectors: four of the edges, of their changes, of their gradients; rows of the two
// queries at hand; for the query without a partner a row of zeros and two to write to.
enum Row {
  kGate = 0,
  kChange = 4,
  kColumns = 8,
  kPowers = 12,
  kSlopes = 14,
  kLogitChanges = 14,
  kFactors = 16,
  kFactorChanges = 18,
  kZeros = 20,
  kWaste = 21,
  kRows = 23
};

template <class T> struct Centre {
  int64_t n, first; // edges, the first of them
  T pad;            // slots that stand in the denominator only
  T* rows;
  int64_t stride;

  T* row(int r) const { return rows + r * stride; }

  // The edges the lanes at k stand for, from four rows.
  Edges<T> keys(int64_t k, Row from = kGate) const {
    return {load(row(from) + k), load(row(from + 1) + k), load(row(from + 2) + k), load(row(from + 3) + k)};
  }
  Edges<T> query(int64_t j, Row from = kGate) const {
    return {splat(row(from)[j]), splat(row(from + 1)[j]), splat(row(from + 2)[j]), splat(row(from + 3)[j])};
  }

  template <class F> __attribute__((always_inline)) void eachVector(F&& f) const {
    for (int64_t k = 0; k < n; k += kLanes<T>) f(At<T>(k, n));
  }

  void clear(Row from) {
    for (int r = 0; r < 4; ++r) std::memset(row(from + r), 0, static_cast<size_t>(stride) * sizeof(T));
  }
  // Four rows from a column of switches and one of vectors; zeros where there are none and beyond the edges.
  void turn(Row to, const T* s, const T* unit) {
    clear(to);
    for (int64_t k = 0; k < n; ++k) {
      if (s) row(to)[k] = s[first + k];
      if (unit)
        for (int a = 0; a < 3; ++a) row(to + 1 + a)[k] = unit[3 * (first + k) + a];
    }
  }
  // The gradients of the edges out of their scratch rows.
  void gatherColumns(T* s, T* unit) const {
    for (int64_t k = 0; k < n; ++k) {
      s[first + k] = row(kColumns)[k];
      for (int a = 0; a < 3; ++a) unit[3 * (first + k) + a] = row(kColumns + 1 + a)[k];
    }
  }
};

// The inputs all kernels share, which stand in the call from buffer `at` on.
template <class T> struct Batch {
  int64_t pairs, edges, centres;
  T scale;
  const T *logits, *sw, *unit;
  const int32_t *ptr, *start, *pad;
  T* work;

  Batch(const Call& c, int at)
      : pairs(c.ints[0]), edges(c.ints[1]), centres(c.ints[2]), scale(static_cast<T>(c.reals[0])), logits(in<T>(c, at)),
        sw(in<T>(c, at + 1)), unit(in<T>(c, at + 2)), ptr(in<int32_t>(c, at + 3)), start(in<int32_t>(c, at + 4)),
        pad(in<int32_t>(c, at + 5)), work(static_cast<T*>(c.work)) {}

  int64_t size(int64_t i) const { return ptr[i + 1] - ptr[i]; }

  // 0, a fault of ptr, 4 (i + 1) for a matrix i that does not fit, or 4 (N + 1 + i) for a negative pad[i].
  int fault() const {
    const int found = segmentFault(ptr, centres, edges);
    if (found != 0) return found;
    if (start[0] != 0) return 4;
    for (int64_t i = 0; i < centres; ++i)
      if (start[i + 1] < start[i] + size(i) * size(i) || start[i + 1] > pairs) return 4 * static_cast<int>(i + 1);
    for (int64_t i = 0; i < centres; ++i)
      if (pad[i] < 0) return 4 * static_cast<int>(centres + 1 + i);
    return 0;
  }

  // Edges of no centre have no gradient.
  void clearSpare(T* s, T* unit) const {
    const int64_t used = ptr[centres], spare = edges - used;
    std::memset(s + used, 0, static_cast<size_t>(spare) * sizeof(T));
    std::memset(unit + 3 * used, 0, static_cast<size_t>(3 * spare) * sizeof(T));
  }

  // No centre has more edges than this: op.ts computes the same number.
  int64_t rowLength() const {
    const int64_t n = static_cast<int64_t>(std::sqrt(static_cast<double>(pairs)));
    return ((n < edges ? n : edges) + 15) / 16 * 16;
  }

  // each(centre, first pair) for centres with edges, their edges turned; sets pairs of no centre to 0 in the outputs.
  template <int kOutputs, class F>
  int forEach(const Call& c, double nsPerPair, T* const (&outputs)[kOutputs], F&& each) const {
    if (const int found = fault()) return found;
    const int64_t stride = rowLength();
    const auto zero = [&](int64_t from, int64_t to) {
      for (T* out : outputs)
        if (to > from) std::memset(out + from, 0, static_cast<size_t>(to - from) * sizeof(T));
    };
    const auto before = [this](int64_t i) { return int64_t{start[i]}; };
    segmentRuns(c, centres, kRuns, nsPerPair * (sizeof(T) / 8.0), before, [&](int64_t run, int64_t begin, int64_t end) {
      T* const rows = work + run * kRows * stride;
      std::memset(rows + kZeros * stride, 0, static_cast<size_t>(stride) * sizeof(T));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t n = size(i);
        Centre<T> centre = {n, ptr[i], static_cast<T>(pad[i]), rows, stride};
        if (n > 0) {
          centre.turn(kGate, sw, unit);
          each(centre, int64_t{start[i]});
        }
        zero(start[i] + n * n, start[i + 1]);
      }
    });
    zero(start[centres], pairs);
    return 0;
  }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
