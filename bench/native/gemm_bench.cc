// The matrix product against OpenBLAS, shape by shape, one and two threads, interleaved, best of many; and against the
// measured peak of fused multiply-adds. OpenBLAS is opened at run time: path in the first argument, else the system's;
// says "absent" without it.
//
//   g++ -std=c++17 -O3 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -Wno-psabi -DAG_ISA=bench -I native
//       bench/native/gemm_bench.cc native/gemm/tile.cc native/team.cc -o /tmp/gemm_bench -pthread -ldl
//       && /tmp/gemm_bench [libopenblas.so [threads [text in the shape's name]]]
#include <dlfcn.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gemm/gemm.h"

using namespace ag;
using namespace ag::AG_ISA;

namespace {

// Long runs of one thread are timed by its processor time, which others on the machine disturb less; that clock is too
// coarse for short ones, which mostly fit between two disturbances.
clockid_t timer = CLOCK_MONOTONIC;
double now() {
  timespec t;
  clock_gettime(timer, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct OpenBlas {
  using S = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
  using D = void (*)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*,
                     int);
  S sgemm = nullptr;
  D dgemm = nullptr;

  OpenBlas(const char* path, int threads) {
    void* lib = dlopen(path ? path : "libopenblas.so.0", RTLD_NOW);
    for (const std::string prefix : {"", "scipy_"}) {
      if (!lib || sgemm) continue;
      sgemm = reinterpret_cast<S>(dlsym(lib, (prefix + "cblas_sgemm").c_str()));
      dgemm = reinterpret_cast<D>(dlsym(lib, (prefix + "cblas_dgemm").c_str()));
      auto set = reinterpret_cast<void (*)(int)>(dlsym(lib, (prefix + "openblas_set_num_threads").c_str()));
      auto config = reinterpret_cast<const char* (*)()>(dlsym(lib, (prefix + "openblas_get_config").c_str()));
      if (set) set(threads);
      if (config) std::printf("peer: %s\n", config());
    }
    if (!sgemm) std::printf("peer: OpenBLAS absent\n");
  }
  void run(const Gemm<float>& g) const {
    sgemm(101, g.transposeA ? 112 : 111, g.transposeB ? 112 : 111, static_cast<int>(g.m), static_cast<int>(g.n),
          static_cast<int>(g.k), 1, g.a, static_cast<int>(g.lda), g.b, static_cast<int>(g.ldb), 0, g.c,
          static_cast<int>(g.ldc));
  }
  void run(const Gemm<double>& g) const {
    dgemm(101, g.transposeA ? 112 : 111, g.transposeB ? 112 : 111, static_cast<int>(g.m), static_cast<int>(g.n),
          static_cast<int>(g.k), 1, g.a, static_cast<int>(g.lda), g.b, static_cast<int>(g.ldb), 0, g.c,
          static_cast<int>(g.ldc));
  }
};

struct Shape {
  const char* name;
  int m, n, k;
  bool ta, tb;
  int serial; // > 0: that many small products, one after the other
};

const Shape shapes[] = {
    {"embed 1", 20000, 25, 1, false, false, 0},          {"embed 1 long", 300000, 25, 1, false, false, 0},
    {"embed 2", 20000, 50, 25, false, false, 0},         {"embed 2 long", 300000, 50, 25, false, false, 0},
    {"embed 3", 20000, 100, 50, false, false, 0},        {"type", 20000, 25, 17, false, false, 0},
    {"dense 100x128", 20000, 128, 100, false, false, 0}, {"qkv 100x384", 20000, 384, 100, false, false, 0},
    {"out 128x100", 20000, 100, 128, false, false, 0},   {"fit 240x240", 20000, 240, 240, false, false, 0},
    {"fit 1608x240", 4000, 240, 1608, false, false, 0},  {"fit last 240x1", 20000, 1, 240, false, false, 0},
    {"n4 100x4", 20000, 4, 100, false, false, 0},        {"few rows", 1000, 240, 240, false, false, 0},
    {"dX of embed 2", 20000, 25, 50, false, true, 0},    {"dX of embed 3", 20000, 50, 100, false, true, 0},
    {"dX of qkv", 20000, 100, 384, false, true, 0},      {"dX of fit", 20000, 240, 240, false, true, 0},
    {"dX of fit 1", 4000, 1608, 240, false, true, 0},    {"dX of embed 1", 20000, 1, 25, false, true, 0},
    {"dW of embed 1", 1, 25, 20000, true, false, 0},     {"dW of embed 2", 25, 50, 20000, true, false, 0},
    {"dW of embed 3", 50, 100, 20000, true, false, 0},   {"dW of qkv", 100, 384, 20000, true, false, 0},
    {"dW of out", 128, 100, 20000, true, false, 0},      {"dW of fit", 240, 240, 20000, true, false, 0},
    {"dW of fit 1", 1608, 240, 4000, true, false, 0},    {"dW of fit last", 240, 1, 20000, true, false, 0},
    {"dW long", 25, 50, 300000, true, false, 0},         {"block G R", 100, 16, 4, false, false, 200},
    {"block R^T G", 4, 100, 100, true, false, 200},      {"block G^T R", 100, 4, 100, true, false, 200},
    {"block q k^T", 90, 90, 128, false, true, 50},       {"block a v", 90, 128, 90, false, false, 50},
    {"block a^T v", 90, 128, 90, true, false, 50},       {"block q k^T 37", 37, 37, 128, false, true, 100},
};

template <class T> double peak() { // fused multiply-adds a second times two, one thread
  double best = 0;
  for (int r = 0; r < 20; ++r) {
    V<T> s[12];
    for (auto& v : s) v = splat(T(1));
    V<T> x = splat(T(0.999)), y = splat(T(1e-3));
    const double t = now();
    for (int k = 0; k < 200000; ++k) {
      for (auto& v : s) v = fma(v, x, y);
      asm volatile("" : "+m"(x), "+m"(y));
    }
    const double dt = now() - t;
    V<T> all = s[0];
    for (auto& v : s) all += v;
    volatile T sink = sumLanes<T>(all);
    (void)sink;
    const double rate = 200000.0 * 12 * kLanes<T> * 2 / dt;
    if (rate > best) best = rate;
  }
  return best;
}

template <class T> T* filled(size_t n) {
  T* p = static_cast<T*>(aligned_alloc(64, (n * sizeof(T) + 4096) / 64 * 64));
  for (size_t k = 0; k < n; ++k) p[k] = static_cast<T>(static_cast<double>((k * 2654435761u) % 1000) / 1000 - 0.5);
  return p;
}

template <class T> void measure(const OpenBlas& peer, Team& team, const Shape& s, double top) {
  const int copies = s.serial > 0 ? s.serial : 1;
  const size_t am = static_cast<size_t>(s.m) * s.k, bm = static_cast<size_t>(s.k) * s.n,
               cm = static_cast<size_t>(s.m) * s.n;
  T *a = filled<T>(am * copies), *b = filled<T>(bm * copies), *c = filled<T>(cm * copies), *d = filled<T>(cm * copies);
  T* work = static_cast<T*>(aligned_alloc(64, gemmWorkspaceBytes<T>(s.m, s.n, s.k, s.tb) + 64));
  const Call call = {nullptr, nullptr, nullptr, nullptr, &team};
  auto at = [&](int r, T* out) {
    Gemm<T> g = {s.m,  s.n,          s.k, a + am * r, s.ta ? s.m : s.k, s.ta, b + bm * r, s.tb ? s.k : s.n,
                 s.tb, out + cm * r, s.n};
    g.work = work;
    return g;
  };
  const double flop = 2.0 * s.m * s.n * s.k * copies;
  const int rounds = static_cast<int>(0.25 / (flop / top * 4 + 20e-6)) + 5;
  timer = team.size() == 1 && flop / top > 3e-3 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  double ours = 1e9, theirs = 1e9;
  for (int round = 0; round < rounds; ++round) {
    double t = now();
    for (int r = 0; r < copies; ++r) s.serial ? gemmSerial(at(r, c)) : gemm(call, at(r, c));
    double dt = now() - t;
    ours = dt < ours ? dt : ours;
    if (!peer.sgemm) continue;
    t = now();
    for (int r = 0; r < copies; ++r) peer.run(at(r, d));
    dt = now() - t;
    theirs = dt < theirs ? dt : theirs;
  }
  std::printf("%-15s %s %6d x%4d x%6d %s%s %9.1f us %6.1f GF/s %3.0f%% of peak", s.name, sizeof(T) == 4 ? "f32" : "f64",
              s.m, s.n, s.k, s.ta ? "T" : "N", s.tb ? "T" : "N", ours * 1e6, flop / ours * 1e-9,
              100 * flop / ours / top / team.size());
  if (peer.sgemm) std::printf("  OpenBLAS %9.1f us  %4.0f%%", theirs * 1e6, 100 * theirs / ours);
  std::printf("\n");
  std::fflush(stdout);
  free(a), free(b), free(c), free(d), free(work);
}

} // namespace

int main(int argc, char** argv) {
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  const OpenBlas peer(argc > 1 && argv[1][0] ? argv[1] : nullptr, threads);
  Team team(threads);
  const double top32 = peak<float>(), top64 = peak<double>();
  std::printf("%d-byte vectors, %d threads; peak of one thread %.1f GF/s f32, %.1f f64\n", AG_VECTOR_BYTES, threads,
              top32 * 1e-9, top64 * 1e-9);
  for (const auto& s : shapes) {
    if (argc > 3 && !std::strstr(s.name, argv[3])) continue;
    measure<float>(peer, team, s, top32);
    measure<double>(peer, team, s, top64);
  }
}
