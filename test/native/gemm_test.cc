// The matrix product against a naive one in long double: odd shapes, all transposes, column windows, epilogues,
// K-splits, both types, bits equal for 1 to 4 threads, nothing read or written outside the operands.
//
//   for flags in -msse4.2 "-mavx2 -mfma" "-mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma"; do
//     g++ -std=c++17 -O3 $flags -Wno-psabi -DAG_ISA=test -I native test/native/gemm_test.cc native/gemm/tile.cc
//     native/team.cc -o /tmp/gemm_test -pthread && /tmp/gemm_test
//   done
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "gemm/gemm.h"
#include "guarded.h"

using namespace ag;
using namespace ag::AG_ISA;

namespace {

uint64_t state = 1;
double uniform() { // (-1, 1)
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<double>(static_cast<int64_t>(state) >> 11) * 0x1p-52;
}
int below(int n) { return static_cast<int>((uniform() + 1) / 2 * n); }

long double activated(long double x, Activation a) {
  switch (a) {
  case kActTanh:
    return std::tanh(x);
  case kActRelu:
    return x > 0 ? x : 0;
  case kActGelu:
    return x / 2 * (1 + std::tanh(0.797884560802865355879892L * (x + 0.044715L * x * x * x)));
  case kActSilu:
    return x / (1 + std::exp(-x));
  case kActSoftplus:
    return std::log1p(std::exp(x));
  case kActSigmoid:
    return 1 / (1 + std::exp(-x));
  default:
    return x;
  }
}

int failures = 0;

template <class T> struct Problem {
  Gemm<T> g{};
  Guarded<T> a, b, c, bias, residual, work;
  std::vector<T> before;

  Problem(int m, int n, int k, int form)
      : a((form & 1 ? k : m), (form & 1 ? m : k), form & 4 ? 3 : 0),
        b((form & 2 ? n : k), (form & 2 ? k : n), form & 4 ? 5 : 0), c(m, n, form & 4 ? 2 : 0), bias(1, n, 0),
        residual(m, n, form & 4 ? 7 : 0),
        work(1, static_cast<int>(gemmWorkspaceBytes<T>(m, n, k, form & 2) / sizeof(T)), 0) {
    for (auto* x : {&a, &b, &c, &bias, &residual}) x->fill(uniform);
    work.fill([] { return std::nan(""); });
    g = {m, n, k, a.data, a.stride, (form & 1) != 0, b.data, b.stride, (form & 2) != 0, c.data, c.stride};
    g.work = work.data;
    before = c.copy();
  }

  long double expected(int i, int j, long double& scale) const {
    long double s = 0;
    scale = 0;
    for (int k = 0; k < g.k; ++k) {
      const long double x = g.transposeA ? g.a[k * g.lda + i] : g.a[i * g.lda + k];
      const long double y = g.transposeB ? g.b[j * g.ldb + k] : g.b[k * g.ldb + j];
      s += x * y;
      scale += std::fabs(x * y);
    }
    const auto& e = g.epilogue;
    s *= e.alpha;
    scale = scale * std::fabs(static_cast<long double>(e.alpha)) + 1;
    if (e.bias) s += e.bias[j];
    s = activated(s, e.activation);
    if (e.residual) s += e.residual[i * e.residualStride + j];
    if (e.accumulate) s += before[static_cast<size_t>(i * g.ldc + j)];
    return s;
  }

  void check(const char* what, int samples) {
    const double eps = sizeof(T) == 4 ? 6e-8 : 1.2e-16;
    const double tolerance = eps * (6 + 2 * std::sqrt(static_cast<double>(g.k)));
    const int64_t all = g.m * g.n;
    for (int64_t s = 0; s < all && s < samples; ++s) {
      const int64_t at = all <= samples ? s : below(static_cast<int>(all));
      const int i = static_cast<int>(at / g.n), j = static_cast<int>(at % g.n);
      long double scale;
      const long double want = expected(i, j, scale), got = g.c[i * g.ldc + j];
      if (std::fabs(got - want) <= tolerance * scale) continue;
      if (++failures < 20)
        std::printf("%s m %d n %d k %d ta %d tb %d act %d: C[%d,%d] = %Lg, expected %Lg\n", what, (int)g.m, (int)g.n,
                    (int)g.k, g.transposeA, g.transposeB, g.epilogue.activation, i, j, got, want);
    }
    for (auto* x : {&a, &b, &c, &bias, &residual, &work})
      if (!x->intact() && ++failures < 20)
        std::printf("%s m %d n %d k %d: written outside an operand\n", what, (int)g.m, (int)g.n, (int)g.k);
  }
};

template <class T> void run(int m, int n, int k, int form, Team* teams[4]) {
  Problem<T> p(m, n, k, form);
  auto& e = p.g.epilogue;
  e.activation = static_cast<Activation>(below(7));
  if (form & 8 || below(3) == 0) e.bias = p.bias.data;
  if (below(3) == 0) e.residual = p.residual.data, e.residualStride = p.residual.stride;
  e.accumulate = below(3) == 0;
  if (below(2)) e.alpha = T(0.75);
  if (below(3) == 0) e = {T(1), nullptr, kActNone, nullptr, 0, false};
  std::vector<T> first;
  for (int t = 0; t < 4; ++t) {
    p.c.put(p.before);
    const Call call = {nullptr, nullptr, nullptr, nullptr, teams[t]};
    gemm(call, p.g);
    if (t == 0) first = p.c.copy();
    if (t > 0 && first != p.c.copy() && ++failures < 20)
      std::printf("m %d n %d k %d form %d: %d threads give other bits\n", m, n, k, form, t + 1);
  }
  p.check("gemm", 400);
  Guarded<T> work(1, static_cast<int>(gemmSerialWorkspaceBytes<T>(n, k) / sizeof(T)), 0);
  p.c.put(p.before);
  p.g.work = work.data;
  gemmSerial(p.g);
  p.check("gemmSerial", 100);
}

} // namespace

int main() {
  Team one(1), two(2), three(3), four(4);
  Team* teams[4] = {&one, &two, &three, &four};
  const int sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 25, 29, 31, 32, 33, 47, 48, 50, 64, 67, 97, 100, 128, 131};
  constexpr int count = sizeof(sizes) / sizeof(sizes[0]);
  int cases = 0;
  for (int round = 0; round < 3000; ++round, ++cases) {
    const int m = sizes[below(count)], n = sizes[below(count)], k = sizes[below(count)];
    round & 1 ? run<float>(m, n, k, round / 2 % 16, teams) : run<double>(m, n, k, round / 2 % 16, teams);
  }
  const int big[][3] = {{3001, 25, 17},    {3001, 100, 25}, {1009, 240, 240}, {257, 128, 1608}, {25, 50, 4099},
                        {1600, 240, 2100}, {50, 100, 9001}, {100, 1, 5003},   {1, 100, 5003},   {5003, 1, 100},
                        {300, 3, 2500},    {4, 16, 70000},  {2000, 25, 1},    {17, 3000, 40},   {1, 1, 100003},
                        {2, 700, 2049},    {700, 300, 2049}};
  for (const auto& s : big)
    for (int form = 0; form < 8; ++form, cases += 2) {
      run<float>(s[0], s[1], s[2], form, teams);
      run<double>(s[0], s[1], s[2], form, teams);
    }
  std::printf("gemm, %d-byte vectors: %d cases, %d failures\n", AG_VECTOR_BYTES, cases, failures);
  return failures ? 1 : 0;
}
