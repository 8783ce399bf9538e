// Vector functions on V<float> and V<double>: exp, expm1, log, log1p, tanh, sigmoid, sqrt, rsqrt, abs, min, max; sin
// and cos on V<double>.
//
// Branch-free per lane: range reduction by a rounded multiple of ln 2 (or pi/2), a minimax polynomial (Remez, relative
// error below 1/5 ulp), exponent assembled in the bits. Errors: exp and log 1 ulp, log1p 1.5, expm1, sin and cos 2.3,
// sigmoid and tanh 2.5 (swept by test/native/vecmath_test.cc); limits, signed zeros, denormals, infinities and NaN
// come out as in the C library.
#pragma once
#include <cmath>

#include "simd.h"

namespace ag {
namespace AG_ISA {
namespace {

// What the bodies need to know about a number type.
template <class T> struct Real;
template <> struct Real<float> {
  static constexpr int kMantissa = 23;
  static constexpr int32_t kSign = INT32_MIN, kOne = 0x3f800000, kRootHalf = 0x3f3504f3, kMantissaMask = 0x007fffff;
  static constexpr int32_t kIntegerBits = 0x4b000000; // 2^23: or-ing an integer below 2^23 into it adds it
  static constexpr float kInteger = 0x1p23f, kRound = 0x1.8p23f, kTiny = 0x1p-126f, kUntiny = 0x1p23f;
  static constexpr float kLog2e = 0x1.715476p0f, kLn2Hi = 0x1.62e4p-1f, kLn2Lo = 0x1.7f7d1cp-20f;
  static constexpr float kExpMin = -104.5f, kExpMax = 89.0f, kExpm1Min = -20.0f, kTanhOne = 9.1f;
  static constexpr float kInf = __builtin_inff(), kNan = __builtin_nanf("");
};
template <> struct Real<double> {
  static constexpr int kMantissa = 52;
  static constexpr int64_t kSign = INT64_MIN, kOne = 0x3ff0000000000000, kRootHalf = 0x3fe6a09e667f3bcd;
  static constexpr int64_t kMantissaMask = 0x000fffffffffffff, kIntegerBits = 0x4330000000000000;
  static constexpr double kInteger = 0x1p52, kRound = 0x1.8p52, kTiny = 0x1p-1022, kUntiny = 0x1p52;
  static constexpr double kLog2e = 0x1.71547652b82fep0, kLn2Hi = 0x1.62e42fefa3p-1, kLn2Lo = 0x1.3de6af278ece6p-42;
  static constexpr double kExpMin = -746.0, kExpMax = 710.0, kExpm1Min = -40.0, kTanhOne = 19.1;
  static constexpr double kInf = __builtin_inf(), kNan = __builtin_nan("");
};

AG_INLINE V<float> abs(V<float> x) { return (V<float>)((VInt<float>)x & ~Real<float>::kSign); }
AG_INLINE V<double> abs(V<double> x) { return (V<double>)((VInt<double>)x & ~Real<double>::kSign); }

// A NaN in b comes through; a NaN in a gives b (the instruction's own rule).
AG_INLINE V<float> min(V<float> a, V<float> b) { return a < b ? a : b; }
AG_INLINE V<double> min(V<double> a, V<double> b) { return a < b ? a : b; }
AG_INLINE V<float> max(V<float> a, V<float> b) { return a > b ? a : b; }
AG_INLINE V<double> max(V<double> a, V<double> b) { return a > b ? a : b; }

#if defined(__AVX512F__)
AG_INLINE V<float> sqrt(V<float> x) { return (V<float>)_mm512_maskz_sqrt_ps(0xffff, (__m512)x); }
AG_INLINE V<double> sqrt(V<double> x) { return (V<double>)_mm512_maskz_sqrt_pd(0xff, (__m512d)x); }
#elif defined(__AVX__)
AG_INLINE V<float> sqrt(V<float> x) { return (V<float>)_mm256_sqrt_ps((__m256)x); }
AG_INLINE V<double> sqrt(V<double> x) { return (V<double>)_mm256_sqrt_pd((__m256d)x); }
#elif defined(__SSE2__)
AG_INLINE V<float> sqrt(V<float> x) { return (V<float>)_mm_sqrt_ps((__m128)x); }
AG_INLINE V<double> sqrt(V<double> x) { return (V<double>)_mm_sqrt_pd((__m128d)x); }
#elif defined(__aarch64__)
AG_INLINE V<float> sqrt(V<float> x) { return (V<float>)vsqrtq_f32((float32x4_t)x); }
AG_INLINE V<double> sqrt(V<double> x) { return (V<double>)vsqrtq_f64((float64x2_t)x); }
#else
AG_INLINE V<float> sqrt(V<float> x) {
  for (int k = 0; k < kLanes<float>; ++k) x[k] = ::sqrtf(x[k]);
  return x;
}
AG_INLINE V<double> sqrt(V<double> x) {
  for (int k = 0; k < kLanes<double>; ++k) x[k] = ::sqrt(x[k]);
  return x;
}
#endif
AG_INLINE V<float> rsqrt(V<float> x) { return 1.0f / sqrt(x); }
AG_INLINE V<double> rsqrt(V<double> x) { return 1.0 / sqrt(x); }

// c[0] + c[1] x + ... by Horner's rule.
template <class T, int N> AG_INLINE V<T> polynomial(V<T> x, const T (&c)[N]) {
  V<T> y = splat(c[N - 1]);
  for (int k = N - 2; k >= 0; --k) y = fma(y, x, splat(c[k]));
  return y;
}

// Sign of s on the magnitude of x (x >= 0 or NaN).
template <class T> AG_INLINE V<T> withSign(V<T> x, V<T> s) {
  return (V<T>)((VInt<T>)x | ((VInt<T>)s & Real<T>::kSign));
}

// expm1(2 r) / 2 for |r| <= ln2 / 4 (1 + small): r + r^2 P(r), the coefficients of expm1(x) with powers of two folded
// in.
AG_INLINE V<float> halfExpm1(V<float> r) {
  static constexpr float c[] = {0x1.fffffep-1f, 0x1.5554bp-1f, 0x1.555674p-2f, 0x1.1227bp-3f, 0x1.6bebfep-5f};
  return fma(r * r, polynomial<float>(r, c), r);
}
AG_INLINE V<double> halfExpm1(V<double> r) {
  static constexpr double c[] = {
      0x1.0000000000005p0,  0x1.5555555555539p-1, 0x1.555555555228ep-2,  0x1.1111111119011p-3,  0x1.6c16c17ee7238p-5,
      0x1.a01a0174faee7p-7, 0x1.a019a74a7bb46p-9, 0x1.71de88257bdc1p-11, 0x1.28a2068953020p-13, 0x1.ae6bab110e7a7p-16};
  return fma(r * r, polynomial<double>(r, c), r);
}

// 2^n for the integer n that adding kRound left in the low bits of t; n within the exponent's range.
template <class T> AG_INLINE V<T> powerOfTwo(V<T> t) {
  return (V<T>)(((VInt<T>)t << Real<T>::kMantissa) + Real<T>::kOne);
}

template <class T> AG_INLINE V<T> expBody(V<T> x) {
  using R = Real<T>;
  const V<T> half = x * T(0.5);
  const V<T> t = fma(x, splat(R::kLog2e), splat(R::kRound)), n = t - R::kRound;
  const V<T> r = fma(n, splat(-R::kLn2Lo / 2), fma(n, splat(-R::kLn2Hi / 2), half));
  const V<T> h = halfExpm1(r), e = fma(h, splat(T(2)), splat(T(1)));
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return (V<T>)_mm512_maskz_scalef_ps(0xffff, (__m512)e, (__m512)n);
  else return (V<T>)_mm512_maskz_scalef_pd(0xff, (__m512d)e, (__m512d)n);
#else
  // In two steps: 2^n itself may be no finite, or no normal, number.
  const V<T> t1 = fma(n, splat(T(0.5)), splat(R::kRound)), t2 = (n - (t1 - R::kRound)) + R::kRound;
  return e * powerOfTwo<T>(t1) * powerOfTwo<T>(t2);
#endif
}
template <class T> AG_INLINE V<T> expOf(V<T> x) {
  return expBody<T>(max(splat(Real<T>::kExpMin), min(splat(Real<T>::kExpMax), x)));
}
AG_INLINE V<float> exp(V<float> x) { return expOf<float>(x); }
AG_INLINE V<double> exp(V<double> x) { return expOf<double>(x); }

// (exp(2 x) - 1) / 2 for 0 <= 2 x or -kExpm1Min <= 2 x, small enough that 2^n is finite.
template <class T> AG_INLINE V<T> halfExpm1Wide(V<T> x) {
  using R = Real<T>;
  const V<T> t = fma(x, splat(2 * R::kLog2e), splat(R::kRound)), n = t - R::kRound;
  const V<T> r = fma(n, splat(-R::kLn2Lo / 2), fma(n, splat(-R::kLn2Hi / 2), x));
  const V<T> s = powerOfTwo<T>(t);
  return fma(s, halfExpm1(r), fma(s, splat(T(0.5)), splat(T(-0.5))));
}

template <class T> AG_INLINE V<T> expm1Of(V<T> x) {
  using R = Real<T>;
  const V<T> large = splat(R::kExpMax / 2);
  const V<T> y = max(splat(R::kExpm1Min), min(large, x));
  const V<T> small = T(2) * halfExpm1Wide<T>(T(0.5) * y);
  return x > large ? expOf<T>(x) : abs(x) < R::kTiny ? x : small;
}
AG_INLINE V<float> expm1(V<float> x) { return expm1Of<float>(x); }
AG_INLINE V<double> expm1(V<double> x) { return expm1Of<double>(x); }

// tanh x = g / (g + 1), g = (exp(2|x|) - 1) / 2: no cancellation anywhere.
template <class T> AG_INLINE V<T> tanhOf(V<T> x) {
  const V<T> g = halfExpm1Wide<T>(min(splat(Real<T>::kTanhOne), abs(x)));
  return withSign<T>(g / (g + T(1)), x);
}
AG_INLINE V<float> tanh(V<float> x) { return tanhOf<float>(x); }
AG_INLINE V<double> tanh(V<double> x) { return tanhOf<double>(x); }

// 1 / (1 + exp(-x)), from exp(-|x|) so that the small side keeps its digits.
template <class T> AG_INLINE V<T> sigmoidOf(V<T> x) {
  const V<T> e = expOf<T>(-abs(x)), s = T(1) / (T(1) + e);
  return x < T(0) ? e * s : s;
}
AG_INLINE V<float> sigmoid(V<float> x) { return sigmoidOf<float>(x); }
AG_INLINE V<double> sigmoid(V<double> x) { return sigmoidOf<double>(x); }

// log(1 + f) + e ln2 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1.
AG_INLINE V<float> logBody(V<float> f, V<float> e) {
  static constexpr float c[] = {0x1.555548p-2f,  -0x1.000006p-2f, 0x1.99a4b6p-3f,  -0x1.555c4ep-3f, 0x1.2337680p-3f,
                                -0x1.fc220ap-4f, 0x1.e6f06ap-4f,  -0x1.de3c04p-4f, 0x1.145796p-4f};
  const V<float> z = f * f;
  V<float> y = fma(z * f, polynomial<float>(f, c), e * Real<float>::kLn2Lo);
  y = fma(z, splat(-0.5f), y) + f;
  return fma(e, splat(Real<float>::kLn2Hi), y);
}
AG_INLINE V<double> logBody(V<double> f, V<double> e) {
  static constexpr double c[] = {0x1.5555555555592p-1, 0x1.999999997fdb7p-2, 0x1.24924941f124fp-2, 0x1.c71c52095d16fp-3,
                                 0x1.74663ee86e841p-3, 0x1.39a1bab73fcacp-3, 0x1.2f0563862e5fdp-3};
  const V<double> s = f / (f + 2.0), z = s * s, half = 0.5 * f * f;
  const V<double> y = fma(s, fma(z, polynomial<double>(z, c), half), e * Real<double>::kLn2Lo);
  return fma(e, splat(Real<double>::kLn2Hi), f - (half - y));
}

template <class T> AG_INLINE V<T> logOf(V<T> x) {
  using R = Real<T>;
  const VInt<T> tiny = x < R::kTiny;
  const V<T> scaled = tiny ? x * R::kUntiny : x;
  // Mantissa in [sqrt(1/2), sqrt(2)); the shift brings down the exponent, still biased (the sign bit is clear where it
  // matters).
  const VInt<T> u = (VInt<T>)scaled + (R::kOne - R::kRootHalf);
  const V<T> m = (V<T>)((u & R::kMantissaMask) + R::kRootHalf);
  const VInt<T> exponent = (u >> R::kMantissa) & (sizeof(T) == 4 ? 0xff : 0x7ff);
  const V<T> bias = tiny ? splat(T(R::kOne >> R::kMantissa) + R::kInteger + T(R::kMantissa))
                         : splat(T(R::kOne >> R::kMantissa) + R::kInteger);
  const V<T> e = (V<T>)(exponent | R::kIntegerBits) - bias;
  V<T> y = logBody(m - T(1), e);
  y = x < R::kInf ? y : x;
  y = x > T(0) || x != x ? y : splat(R::kNan);
  return x == T(0) ? splat(-R::kInf) : y;
}
AG_INLINE V<float> log(V<float> x) { return logOf<float>(x); }
AG_INLINE V<double> log(V<double> x) { return logOf<double>(x); }

// log(1 + x), the rounding of 1 + x mended to first order.
template <class T> AG_INLINE V<T> log1pOf(V<T> x) {
  const V<T> u = x + T(1);
  const V<T> lost = x > T(1) ? T(1) - (u - x) : x - (u - T(1));
  const V<T> y = logOf<T>(u) + lost / u;
  return u > T(0) && u < Real<T>::kInf ? (x == T(0) ? x : y) : logOf<T>(u);
}
AG_INLINE V<float> log1p(V<float> x) { return log1pOf<float>(x); }
AG_INLINE V<double> log1p(V<double> x) { return log1pOf<double>(x); }

// Beyond this many radians the three-part reduction runs out of digits and the C library takes over.
constexpr double kTrigMax = 1e5;

// sine and cosine of x less the nearest multiple `quadrant` of pi/2 (three parts, the first two exact times an integer
// below 2^17).
struct Trig {
  V<double> sine, cosine;
  VInt<double> quadrant;
};
AG_INLINE Trig trigOf(V<double> x) {
  static constexpr double s[] = {-0x1.5555555555549p-3, 0x1.111111110f842p-7,   -0x1.a01a019c0a281p-13,
                                 0x1.71de3570fcd81p-19, -0x1.ae5e60c421ec1p-26, 0x1.5d915df3a677ep-33};
  static constexpr double c[] = {0x1.555555555554cp-5,   -0x1.6c16c16c15140p-10, 0x1.a01a019cab73ep-16,
                                 -0x1.27e4f8053388bp-22, 0x1.1ee9e89097728p-29,  -0x1.8facd1483b149p-37};
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  constexpr double kPiHalf1 = 0x1.921fb544p0, kPiHalf2 = 0x1.0b4611a6p-34, kPiHalf3 = 0x1.3198a2e037073p-69;
  const V<double> t = fma(x, splat(kTwoOverPi), splat(Real<double>::kRound)), n = t - Real<double>::kRound;
  const V<double> r = fma(n, splat(-kPiHalf3), fma(n, splat(-kPiHalf2), fma(n, splat(-kPiHalf1), x)));
  const V<double> z = r * r;
  return {fma(r * z, polynomial<double>(z, s), r),
          fma(z * z, polynomial<double>(z, c), fma(z, splat(-0.5), splat(1.0))), (VInt<double>)t};
}

// sin(x + quarter pi/2), quarter 0 or 1.
AG_INLINE V<double> turned(const Trig& r, int64_t quarter) {
  const VInt<double> q = r.quadrant + quarter;
  const V<double> y = (q & 1) != 0 ? r.cosine : r.sine;
  return (V<double>)((VInt<double>)y ^ (q & 2) << 62);
}

// Lane by lane; a function of its own so that the hot path stays short.
static __attribute__((noinline)) V<double> trigSlow(V<double> x, bool cosine) {
  for (int k = 0; k < kLanes<double>; ++k) x[k] = cosine ? ::cos(x[k]) : ::sin(x[k]);
  return x;
}
AG_INLINE bool anyBeyond(V<double> x, double limit) {
  const VInt<double> far = !(abs(x) <= limit);
  int64_t any = 0;
  for (int k = 0; k < kLanes<double>; ++k) any |= far[k];
  return any != 0;
}
AG_INLINE V<double> sin(V<double> x) {
  if (anyBeyond(x, kTrigMax)) return trigSlow(x, false);
  return x == 0.0 ? x : turned(trigOf(x), 0); // sin(-0) is -0
}
AG_INLINE V<double> cos(V<double> x) { return anyBeyond(x, kTrigMax) ? trigSlow(x, true) : turned(trigOf(x), 1); }
// Both for little more than one.
AG_INLINE void sinCos(V<double> x, V<double>* sine, V<double>* cosine) {
  if (anyBeyond(x, kTrigMax)) {
    *sine = trigSlow(x, false);
    *cosine = trigSlow(x, true);
    return;
  }
  const Trig r = trigOf(x);
  *sine = turned(r, 0);
  *cosine = turned(r, 1);
}

} // namespace
} // namespace AG_ISA
} // namespace ag
