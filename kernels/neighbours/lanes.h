// What the neighbour search needs of registers beyond native/simd.h: masks of comparisons, lists of set lanes, and rows
// of three coordinates held four wide.
#pragma once
#include "../../native/simd.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kWide = kLanes<float>;

// Bit l is set where a[l] < b.
AG_INLINE uint32_t below(V<double> a, double b) {
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask((__m512d)a, _mm512_set1_pd(b), _CMP_LT_OQ);
#elif defined(__AVX__)
  return static_cast<uint32_t>(_mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, _mm256_set1_pd(b), _CMP_LT_OQ)));
#elif defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_pd(_mm_cmplt_pd((__m128d)a, _mm_set1_pd(b))));
#else
  uint32_t bits = 0;
  for (int l = 0; l < kLanes<double>; ++l) bits |= static_cast<uint32_t>(a[l] < b) << l;
  return bits;
#endif
}
AG_INLINE uint32_t below(V<float> a, V<float> b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ);
#elif defined(__AVX__)
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_LT_OQ)));
#elif defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_ps(_mm_cmplt_ps((__m128)a, (__m128)b)));
#else
  uint32_t bits = 0;
  for (int l = 0; l < kWide; ++l) bits |= static_cast<uint32_t>(a[l] < b[l]) << l;
  return bits;
#endif
}
// Bit l is set unless a[l] >= b: where not a number too.
AG_INLINE uint32_t notAbove(V<float> a, V<float> b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_NGE_UQ);
#elif defined(__AVX__)
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_NGE_UQ)));
#elif defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_ps(_mm_cmpnge_ps((__m128)a, (__m128)b)));
#else
  uint32_t bits = 0;
  for (int l = 0; l < kWide; ++l) bits |= static_cast<uint32_t>(!(a[l] >= b[l])) << l;
  return bits;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// For pshufb: which bytes of four floats, and which of eight lane numbers, a mask keeps.
struct KeepTables {
  alignas(16) uint8_t floats[16][16], lanes[256][8];
};
constexpr KeepTables keepTables() {
  KeepTables t = {};
  for (int bits = 0; bits < 256; ++bits) {
    int n = 0;
    for (int l = 0; l < 8; ++l) {
      if (!(bits >> l & 1)) continue;
      if (bits < 16)
        for (int b = 0; b < 4; ++b) t.floats[bits][4 * n + b] = static_cast<uint8_t>(4 * l + b);
      t.lanes[bits][n++] = static_cast<uint8_t>(l);
    }
  }
  return t;
}
static constexpr KeepTables kKeep = keepTables();
#endif

// Writes first + l for each set bit l; may write a whole register of 16-bit numbers behind `to`.
AG_INLINE int listBits(uint32_t bits, int first, uint16_t* to) {
#if defined(__AVX512F__)
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i index = _mm512_add_epi32(lane, _mm512_set1_epi32(first));
  const __m512i kept = _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits), index);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_maskz_cvtepi32_epi16(0xffff, kept));
  return __builtin_popcount(bits);
#elif defined(__AVX2__)
  const __m128i lanes = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kKeep.lanes[bits])));
  const __m128i index = _mm_add_epi16(lanes, _mm_set1_epi16(static_cast<int16_t>(first)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), index);
  return __builtin_popcount(bits);
#else
  int n = 0;
  for (; bits != 0; bits &= bits - 1) to[n++] = static_cast<uint16_t>(first + __builtin_ctz(bits));
  return n;
#endif
}

// Writes the lanes of set bits in a row, in single precision or as they are; may write a whole register behind `to`,
// and reads nothing at other lanes of `from`.
AG_INLINE void keepLanes(uint32_t bits, V<double> v, float* to) {
#if defined(__AVX512F__)
  const __m256 f = _mm512_maskz_cvtpd_ps(0xff, (__m512d)v);
  _mm256_storeu_ps(to, _mm256_maskz_compress_ps(static_cast<__mmask8>(bits), f));
#elif defined(__AVX2__)
  const __m128i f = _mm_castps_si128(_mm256_cvtpd_ps((__m256d)v));
  const __m128i kept = _mm_load_si128(reinterpret_cast<const __m128i*>(kKeep.floats[bits]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(f, kept));
#else
  for (; bits != 0; bits &= bits - 1) *to++ = static_cast<float>(v[__builtin_ctz(bits)]);
#endif
}
AG_INLINE void keepLanes(uint32_t bits, const int32_t* from, int32_t* to) {
#if defined(__AVX512F__)
  const __m256i v = _mm256_maskz_loadu_epi32(static_cast<__mmask8>(bits), from);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_maskz_compress_epi32(static_cast<__mmask8>(bits), v));
#else
  for (; bits != 0; bits &= bits - 1) *to++ = from[__builtin_ctz(bits)];
#endif
}

AG_INLINE V<double> magnitude(V<double> x) { return (V<double>)((VInt<double>)x & INT64_MAX); }
AG_INLINE V<double> positive(V<double> x) {
#if defined(__AVX512F__)
  return (V<double>)_mm512_maskz_max_pd(0xff, (__m512d)x, _mm512_setzero_pd());
#elif defined(__AVX__)
  return (V<double>)_mm256_max_pd((__m256d)x, _mm256_setzero_pd());
#else
  return select<double>(x > 0, x, V<double>{});
#endif
}

// Keeps the compiler from fusing a product into the sum behind it.
AG_INLINE double rounded(double x) {
#if defined(__SSE2__)
  __asm__("" : "+x"(x));
#elif defined(__aarch64__)
  __asm__("" : "+w"(x));
#endif
  return x;
}

// A row of three coordinates and a zero, and one of three offsets and an atom.
typedef double Row __attribute__((vector_size(32)));
typedef int64_t RowMask __attribute__((vector_size(32)));
typedef int32_t Offsets __attribute__((vector_size(16)));
typedef float RowF __attribute__((vector_size(16)));

AG_INLINE Row rounded(Row x) {
#if defined(__AVX__)
  __asm__("" : "+x"(x));
#elif defined(__aarch64__)
  typedef double Half __attribute__((vector_size(16)));
  Half h[2];
  std::memcpy(h, &x, sizeof(x));
  __asm__("" : "+w"(h[0]), "+w"(h[1]));
  std::memcpy(&x, h, sizeof(x));
#endif
  return x; // SSE has no fused product
}

AG_INLINE Row floorOf(Row x) {
#if defined(__AVX__)
  return (Row)_mm256_floor_pd((__m256d)x);
#else
  for (int k = 0; k < 4; ++k) x[k] = __builtin_floor(x[k]);
  return x;
#endif
}

AG_INLINE Row root(Row x) {
#if defined(__AVX__)
  return (Row)_mm256_sqrt_pd((__m256d)x);
#else
  for (int k = 0; k < 4; ++k) x[k] = __builtin_sqrt(x[k]);
  return x;
#endif
}

#if defined(__clang__)
#define AG_ROWS(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define AG_ROWS(a, b, ...) __builtin_shuffle(a, b, RowMask{__VA_ARGS__})
#endif

// Rows of four into columns.
AG_INLINE void transpose(Row& a, Row& b, Row& c, Row& d) {
  const Row e = AG_ROWS(a, b, 0, 4, 2, 6), f = AG_ROWS(a, b, 1, 5, 3, 7);
  const Row g = AG_ROWS(c, d, 0, 4, 2, 6), h = AG_ROWS(c, d, 1, 5, 3, 7);
  a = AG_ROWS(e, g, 0, 1, 4, 5), b = AG_ROWS(f, h, 0, 1, 4, 5);
  c = AG_ROWS(e, g, 2, 3, 6, 7), d = AG_ROWS(f, h, 2, 3, 6, 7);
}

AG_INLINE Row rowOf(const double* p) { return Row{p[0], p[1], p[2], 0}; }

AG_INLINE Row wideRow(const double* p) {
  Row r;
  std::memcpy(&r, p, sizeof(r));
  return r;
}
AG_INLINE Offsets wideOffsets(const int32_t* p) {
  Offsets t;
  std::memcpy(&t, p, sizeof(t));
  return t;
}
AG_INLINE Row every(double x) { return Row{x, x, x, x}; }

// Three numbers of a row; `wide`: the fourth may be written too.
template <bool wide> AG_INLINE void putRow(double* to, Row v) {
  if (wide) std::memcpy(to, &v, 32);
  else to[0] = v[0], to[1] = v[1], to[2] = v[2];
}
template <bool wide> AG_INLINE void putRow(float* to, Row v) {
  const RowF f = __builtin_convertvector(v, RowF);
  if (wide) std::memcpy(to, &f, 16);
  else to[0] = f[0], to[1] = f[1], to[2] = f[2];
}
template <bool wide> AG_INLINE void putRow(int32_t* to, Offsets v) {
  if (wide) std::memcpy(to, &v, 16);
  else to[0] = v[0], to[1] = v[1], to[2] = v[2];
}

} // namespace
} // namespace AG_ISA
} // namespace ag
