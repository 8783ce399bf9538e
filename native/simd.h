// V<T>: one register of T's, on the compiler's vector types, so that a kernel reads like its formula. Everything lies in the
// instruction set's own unnamed namespace: the linker must never pick an AVX-512 body for an older chip.
#pragma once
#include <cstdint>
#include <cstring>

#include "call.h"

#if defined(__AVX512F__)
#define AG_VECTOR_BYTES 64
#elif defined(__AVX__)
#define AG_VECTOR_BYTES 32
#else
#define AG_VECTOR_BYTES 16
#endif

namespace ag {
namespace AG_ISA {
namespace {

template <class T> struct Lanes;
template <> struct Lanes<float> {
  typedef float vector __attribute__((vector_size(AG_VECTOR_BYTES)));
  typedef int32_t integer __attribute__((vector_size(AG_VECTOR_BYTES)));
};
template <> struct Lanes<double> {
  typedef double vector __attribute__((vector_size(AG_VECTOR_BYTES)));
  typedef int64_t integer __attribute__((vector_size(AG_VECTOR_BYTES)));
};

template <class T> using V = typename Lanes<T>::vector;       // + - * / and comparisons work lane by lane
template <class T> using VInt = typename Lanes<T>::integer;   // masks (0 or -1 a lane) and bit patterns
template <class T> constexpr int kLanes = AG_VECTOR_BYTES / static_cast<int>(sizeof(T));

#define AG_INLINE static inline __attribute__((always_inline))

template <class T> AG_INLINE V<T> load(const T* p) {
  V<T> v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <class T> AG_INLINE void store(T* p, V<T> v) { std::memcpy(p, &v, sizeof(v)); }
template <class T> AG_INLINE V<T> splat(T x) { return x - V<T>{}; }

// The first n lanes (n < kLanes), the rest zero; and the store that touches only them.
template <class T> AG_INLINE V<T> loadPart(const T* p, int n) {
  V<T> v = {};
  std::memcpy(&v, p, static_cast<size_t>(n) * sizeof(T));
  return v;
}
template <class T> AG_INLINE void storePart(T* p, V<T> v, int n) { std::memcpy(p, &v, static_cast<size_t>(n) * sizeof(T)); }

template <class T> AG_INLINE V<T> select(VInt<T> mask, V<T> yes, V<T> no) {
  return (V<T>)(((VInt<T>)yes & mask) | ((VInt<T>)no & ~mask));
}

// Lanes added in a fixed tree: the same bits whatever the loop around it does.
template <class T> AG_INLINE T sumLanes(V<T> v) {
  T a[kLanes<T>];
  std::memcpy(a, &v, sizeof(v));
  for (int w = kLanes<T> / 2; w > 0; w /= 2)
    for (int k = 0; k < w; ++k) a[k] += a[k + w];
  return a[0];
}

}  // namespace
}  // namespace AG_ISA
}  // namespace ag
