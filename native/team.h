// A team of threads that share the parts of one job. Parts are fixed by the problem, never by the number of threads, so
// that results do not depend on it. The caller works too and returns when all parts are done (not when all threads are
// back).
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "call.h"

namespace ag {

class Placement;

class Team {
public:
  using Body = void (*)(void* context, int part);

  explicit Team(int threads) { resize(threads); }
  ~Team() { resize(1); }
  Team(const Team&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }
  void resize(int threads); // stops the workers and starts threads - 1 new ones; never during run()
  void run(int parts, Body body, void* context);

private:
  void work();
  bool take(uint64_t job, int parts, Body body, void* context);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Placement*> parked_; // of the workers that wait for wake_; under mutex_
  // The job in the air. A worker that wakes late finds a newer ticket and never touches an older job's context.
  std::atomic<uint64_t> ticket_{0}; // job number << 32 | next part
  std::atomic<int> done_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  std::atomic<int> parts_{0};
  std::atomic<Body> body_{nullptr};
  std::atomic<void*> context_{nullptr};
};

// Below this much work a job runs on the caller alone: waking a parked thread costs as much.
constexpr double kSerialBelowNs = 100e3;

// Calls body(begin, end) over [0, n) in blocks of `grain` items, shared by the team when the whole is worth it.
template <class F> static inline void blocks(const Call& c, int64_t n, int64_t grain, double nsPerItem, F&& body) {
  if (n <= 0) return;
  const int parts = static_cast<int>((n + grain - 1) / grain);
  struct Context {
    F* body;
    int64_t n, grain;
  } context{&body, n, grain};
  auto part = [](void* p, int k) {
    auto* x = static_cast<Context*>(p);
    const int64_t begin = k * x->grain, end = begin + x->grain;
    (*x->body)(begin, end < x->n ? end : x->n);
  };
  if (parts == 1 || c.team->size() == 1 || static_cast<double>(n) * nsPerItem < kSerialBelowNs) {
    for (int k = 0; k < parts; ++k) part(&context, k);
  } else {
    c.team->run(parts, part, &context);
  }
}

} // namespace ag
