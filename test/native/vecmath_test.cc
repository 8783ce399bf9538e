// The vector functions against the C library in long double: dense sweeps, limits, and time per element.
//
//   for flags in -msse4.2 "-mavx2 -mfma" "-mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma"; do
//     g++ -std=c++17 -O3 $flags -Wno-psabi -DAG_ISA=test -I native test/native/vecmath_test.cc -o /tmp/vecmath_test
//     && /tmp/vecmath_test
//   done
#include <time.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "vecmath.h"

using namespace ag::AG_ISA;

namespace {

int failures = 0;

// Distance in units of the last place of the exact result (of the smallest denormal, near zero).
template <class T> double ulps(T got, long double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : 1e9;
  const T rounded = static_cast<T>(want);
  if (std::isinf(rounded) || std::isinf(got)) return rounded == got ? 0 : 1e9;
  int exponent;
  std::frexp(want, &exponent);
  const int least = std::numeric_limits<T>::min_exponent;
  const long double unit = std::ldexp(1.0L, (exponent < least ? least : exponent) - std::numeric_limits<T>::digits);
  return static_cast<double>(std::fabs(got - want) / unit);
}

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class T, class F, class G>
void sweep(const char* name, double from, double to, double limit, F&& f, G&& exact) {
  constexpr int L = kLanes<T>, count = 1 << 19, timed = 4096;
  double worst = 0;
  T at = 0;
  std::vector<T> x(count), y(count);
  for (int k = 0; k < count; ++k) x[k] = static_cast<T>(from + (to - from) * (k + 0.37) / count);
  if (from <= 0 && to >= 0) // and every magnitude near zero
    for (int k = 0; k < count / 4; ++k)
      x[k * 4] = static_cast<T>((k & 1 && from < 0 ? -1 : 1) *
                                std::ldexp(1.0 + (k * 0.6180339887 - std::floor(k * 0.6180339887)), -k % 160));
  if (sizeof(T) == 4 && from == 0)
    for (int k = 0; k < count / 8; ++k) x[k * 8 + 1] = static_cast<T>(std::ldexp(1.3, k % 240 - 126));
  for (int k = 0; k < count; k += L) store(&y[k], f(load(&x[k])));
  for (int k = 0; k < count; ++k) {
    const double u = ulps<T>(y[k], exact(static_cast<long double>(x[k])));
    if (u > worst) worst = u, at = x[k];
  }
  double best = 1e9;
  for (int r = 0; r < 200; ++r) {
    const double t = now();
    for (int k = 0; k < timed; k += L) store(&y[k], f(load(&x[k])));
    asm volatile("" ::"r"(y.data()) : "memory");
    const double dt = now() - t;
    if (dt < best) best = dt;
  }
  const bool bad = worst > limit;
  failures += bad;
  std::printf("  %-8s %s [%g, %g]: %.3f ulp at %.9g, %.2f ns%s\n", name, sizeof(T) == 4 ? "f32" : "f64", from, to,
              worst, static_cast<double>(at), best / timed * 1e9, bad ? "  TOO FAR" : "");
}

template <class T, class F> void point(const char* name, F&& f, T x, T want) {
  const T got = f(splat(x))[0];
  if ((std::isnan(got) && std::isnan(want)) || (got == want && std::signbit(got) == std::signbit(want))) return;
  ++failures;
  std::printf("  %s(%g) = %g, expected %g\n", name, static_cast<double>(x), static_cast<double>(got),
              static_cast<double>(want));
}

template <class T> void all() {
  using N = std::numeric_limits<T>;
  const T inf = N::infinity(), nan = N::quiet_NaN(), least = N::denorm_min();
  auto fExp = [](V<T> x) { return exp(x); };
  auto fExpm1 = [](V<T> x) { return expm1(x); };
  auto fLog = [](V<T> x) { return log(x); };
  auto fLog1p = [](V<T> x) { return log1p(x); };
  auto fTanh = [](V<T> x) { return tanh(x); };
  auto fSigmoid = [](V<T> x) { return sigmoid(x); };
  auto lExp = [](long double x) { return std::exp(x); };
  const double lowest = sizeof(T) == 4 ? -104 : -746, highest = sizeof(T) == 4 ? 89 : 710;
  sweep<T>("exp", -1, 1, 2, fExp, lExp);
  sweep<T>("exp", lowest, highest, 2, fExp, lExp);
  sweep<T>("expm1", -1, 1, 2.5, fExpm1, [](long double x) { return std::expm1(x); });
  sweep<T>("expm1", -50, highest, 2.5, fExpm1, [](long double x) { return std::expm1(x); });
  sweep<T>("log", 0.5, 2, 2, fLog, [](long double x) { return std::log(x); });
  sweep<T>("log", 0, 1e6, 2, fLog, [](long double x) { return std::log(x); });
  sweep<T>("log1p", -0.99, 3, 2.5, fLog1p, [](long double x) { return std::log1p(x); });
  sweep<T>("log1p", 0, 1e6, 2.5, fLog1p, [](long double x) { return std::log1p(x); });
  sweep<T>("tanh", -1, 1, 2.6, fTanh, [](long double x) { return std::tanh(x); });
  sweep<T>("tanh", -25, 25, 2.6, fTanh, [](long double x) { return std::tanh(x); });
  sweep<T>("sigmoid", lowest, 50, 3, fSigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); });
  point("exp", fExp, inf, inf), point("exp", fExp, -inf, T(0)), point("exp", fExp, nan, nan),
      point("exp", fExp, T(0), T(1));
  point("expm1", fExpm1, inf, inf), point("expm1", fExpm1, -inf, T(-1)), point("expm1", fExpm1, nan, nan);
  point("expm1", fExpm1, T(-0.0), T(-0.0)), point("expm1", fExpm1, least, least);
  point("log", fLog, T(0), -inf), point("log", fLog, T(-0.0), -inf), point("log", fLog, inf, inf),
      point("log", fLog, nan, nan);
  point("log", fLog, T(-1), nan), point("log", fLog, -inf, nan), point("log", fLog, T(1), T(0));
  point("log", fLog, least, static_cast<T>(std::log(static_cast<long double>(least))));
  point("log1p", fLog1p, T(-1), -inf), point("log1p", fLog1p, inf, inf), point("log1p", fLog1p, nan, nan);
  point("log1p", fLog1p, T(-0.0), T(-0.0)), point("log1p", fLog1p, T(-2), nan);
  point("tanh", fTanh, inf, T(1)), point("tanh", fTanh, -inf, T(-1)), point("tanh", fTanh, nan, nan);
  point("tanh", fTanh, T(-0.0), T(-0.0)), point("tanh", fTanh, least, least), point("tanh", fTanh, T(40), T(1));
  point("sigmoid", fSigmoid, inf, T(1)), point("sigmoid", fSigmoid, -inf, T(0)), point("sigmoid", fSigmoid, nan, nan);
  point("sigmoid", fSigmoid, T(0), T(0.5));
}

} // namespace

int main() {
  std::printf("vector functions, %d-byte vectors\n", AG_VECTOR_BYTES);
  all<float>();
  all<double>();
  auto fSin = [](V<double> x) { return sin(x); };
  auto fCos = [](V<double> x) { return cos(x); };
  for (const double range : {1.0, 40.0, 1e5}) {
    sweep<double>("sin", -range, range, range > 100 ? 2.5 : 2, fSin, [](long double x) { return std::sin(x); });
    sweep<double>("cos", -range, range, range > 100 ? 2.5 : 2, fCos, [](long double x) { return std::cos(x); });
  }
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  point("sin", fSin, -0.0, -0.0), point("sin", fSin, inf, nan), point("cos", fCos, -inf, nan),
      point("cos", fCos, nan, nan);
  point("sin", fSin, 1e22, std::sin(1e22)), point("cos", fCos, 0.0, 1.0);
  std::printf("%d failures\n", failures);
  return failures ? 1 : 0;
}
