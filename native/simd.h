// V<T>: one register of T's, on the compiler's vector types, so that a kernel reads like its formula. Everything lies
// in the instruction set's own unnamed namespace: the linker must never pick an AVX-512 body for an older chip.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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

template <class T> using V = typename Lanes<T>::vector;     // + - * / and comparisons work lane by lane
template <class T> using VInt = typename Lanes<T>::integer; // masks (0 or -1 a lane) and bit patterns
template <class T> constexpr int kLanes = AG_VECTOR_BYTES / static_cast<int>(sizeof(T));

#define AG_ALWAYS __attribute__((always_inline))
#define AG_INLINE static inline AG_ALWAYS

template <class T> AG_INLINE V<T> load(const T* p) {
  V<T> v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <class T> AG_INLINE void store(T* p, V<T> v) { std::memcpy(p, &v, sizeof(v)); }
template <class T> AG_INLINE V<T> splat(T x) { return x - V<T>{}; }

// A store past the caches, for results larger than they are: reads nothing first and evicts nothing. p is a multiple of
// the register's size; streamEnd() comes before other threads may read.
AG_INLINE void stream(float* p, V<float> v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX__)
  _mm256_stream_ps(p, (__m256)v);
#elif defined(__SSE2__)
  _mm_stream_ps(p, (__m128)v);
#else
  store(p, v);
#endif
}
AG_INLINE void stream(double* p, V<double> v) {
#if defined(__AVX512F__)
  _mm512_stream_pd(p, (__m512d)v);
#elif defined(__AVX__)
  _mm256_stream_pd(p, (__m256d)v);
#elif defined(__SSE2__)
  _mm_stream_pd(p, (__m128d)v);
#else
  store(p, v);
#endif
}
AG_INLINE void streamEnd() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

// The first n lanes of a register, 0 <= n <= kLanes; its loads (the rest zero) and stores touch only those lanes.
#if defined(__AVX512F__)
template <class T> struct Tail {
  uint32_t mask;
};
template <class T> AG_INLINE Tail<T> tailOf(int n) { return {(1u << n) - 1u}; }
AG_INLINE V<float> loadTail(const float* p, Tail<float> t) {
  return (V<float>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(t.mask), p);
}
AG_INLINE V<double> loadTail(const double* p, Tail<double> t) {
  return (V<double>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(t.mask), p);
}
AG_INLINE void storeTail(float* p, V<float> v, Tail<float> t) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>(t.mask), (__m512)v);
}
AG_INLINE void storeTail(double* p, V<double> v, Tail<double> t) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>(t.mask), (__m512d)v);
}
#elif defined(__AVX__)
template <class T> struct Tail {
  VInt<T> mask;
  int n;
};
template <class T> AG_INLINE Tail<T> tailOf(int n) {
  VInt<T> lane;
  for (int k = 0; k < kLanes<T>; ++k) lane[k] = k;
  return {lane < n, n};
}
AG_INLINE V<float> loadTail(const float* p, Tail<float> t) { return (V<float>)_mm256_maskload_ps(p, (__m256i)t.mask); }
AG_INLINE V<double> loadTail(const double* p, Tail<double> t) {
  return (V<double>)_mm256_maskload_pd(p, (__m256i)t.mask);
}
// In pieces: the masked store takes tens of cycles on some chips.
AG_INLINE void storeTail(float* p, V<float> v, Tail<float> t) {
  if (t.n == 8) return store(p, v);
  __m128 x = _mm256_castps256_ps128((__m256)v);
  if (t.n & 4) {
    _mm_storeu_ps(p, x);
    x = _mm256_extractf128_ps((__m256)v, 1);
    p += 4;
  }
  if (t.n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), x);
    x = _mm_movehl_ps(x, x);
    p += 2;
  }
  if (t.n & 1) _mm_store_ss(p, x);
}
AG_INLINE void storeTail(double* p, V<double> v, Tail<double> t) {
  if (t.n == 4) return store(p, v);
  __m128d x = _mm256_castpd256_pd128((__m256d)v);
  if (t.n & 2) {
    _mm_storeu_pd(p, x);
    x = _mm256_extractf128_pd((__m256d)v, 1);
    p += 2;
  }
  if (t.n & 1) _mm_store_sd(p, x);
}
#else
template <class T> struct Tail {
  int n;
};
template <class T> AG_INLINE Tail<T> tailOf(int n) { return {n}; }
template <class T> AG_INLINE V<T> loadTail(const T* p, Tail<T> t) {
  if (t.n == kLanes<T>) return load(p);
  V<T> v = {};
  if (t.n > 0) v[0] = p[0];
  if (kLanes < T >> 2 && t.n > 1) v[1] = p[1];
  if (kLanes < T >> 2 && t.n > 2) v[kLanes<T> - 2] = p[2];
  return v;
}
template <class T> AG_INLINE void storeTail(T* p, V<T> v, Tail<T> t) {
  if (t.n == kLanes<T>) return store(p, v);
  if (t.n > 0) p[0] = v[0];
  if (kLanes < T >> 2 && t.n > 1) p[1] = v[1];
  if (kLanes < T >> 2 && t.n > 2) p[2] = v[kLanes<T> - 2];
}
#endif
template <class T> AG_INLINE V<T> loadPart(const T* p, int n) { return loadTail(p, tailOf<T>(n)); }
template <class T> AG_INLINE void storePart(T* p, V<T> v, int n) { storeTail(p, v, tailOf<T>(n)); }

// a b + c, in one rounding where the instruction set has it, so that the bits never depend on the compiler's mood.
AG_INLINE V<float> fma(V<float> a, V<float> b, V<float> c) {
#if defined(__AVX512F__)
  return (V<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (V<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  return (V<float>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}
AG_INLINE V<double> fma(V<double> a, V<double> b, V<double> c) {
#if defined(__AVX512F__)
  return (V<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
  return (V<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__aarch64__)
  return (V<double>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
  return a * b + c;
#endif
}

// Lanes of a, then of b, picked by index.
#if defined(__clang__)
#define AG_SHUFFLE(T, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define AG_SHUFFLE(T, a, b, ...) __builtin_shuffle(a, b, VInt<T>{__VA_ARGS__})
#endif

template <class T> AG_INLINE V<T> select(VInt<T> mask, V<T> yes, V<T> no) { return mask ? yes : no; }

// Lanes added in a fixed tree: the same bits whatever the loop around it does.
template <class T> AG_INLINE T sumLanes(V<T> v) {
  T a[kLanes<T>];
  std::memcpy(a, &v, sizeof(v));
  for (int w = kLanes<T> / 2; w > 0; w /= 2)
    for (int k = 0; k < w; ++k) a[k] += a[k + w];
  return a[0];
}

} // namespace
} // namespace AG_ISA
} // namespace ag
