#include "team.h"

#include <algorithm>

#include "placement.h"

namespace ag {

void Team::resize(int threads) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
  workers_.clear();
  stop_.store(false);
  for (int k = 1; k < threads; ++k) workers_.emplace_back([this] { work(); });
}

// Takes parts of the job until none is left; false if the job is no longer the one in the air.
bool Team::take(uint64_t job, int parts, Body body, void* context) {
  for (;;) {
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    if (ticket >> 32 != job) return false;
    const int part = static_cast<int>(ticket & 0xffffffffu);
    if (part >= parts) return true;
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
    body(context, part);
    done_.fetch_add(1, std::memory_order_release);
  }
}

void Team::run(int parts, Body body, void* context) {
  // The fields are written while the ticket says "no part left", then the ticket opens the job.
  const uint64_t job = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  ticket_.store(job << 32 | 0xffffffffu, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  parts_.store(parts, std::memory_order_relaxed);
  body_.store(body, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(job << 32, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (Placement* worker : parked_) worker->keepOffCaller();
    }
    wake_.notify_all();
  }
  take(job & 0xffffffffu, parts, body, context);
  for (int spins = 0; done_.load(std::memory_order_acquire) < parts; ++spins)
    if (spins > 2000) std::this_thread::yield();
}

void Team::work() {
  // A worker that finds nothing watches the ticket for about half a millisecond (the next op usually follows, and to
  // wake takes longer than many), then parks.
  constexpr int kWatch = 40000;
  Placement placement;
  uint64_t seen = ticket_.load(std::memory_order_acquire) >> 32;
  int idle = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    const uint64_t ticket = ticket_.load(std::memory_order_acquire);
    const uint64_t job = ticket >> 32;
    if (job != seen && (ticket & 0xffffffffu) != 0xffffffffu) {
      const int parts = parts_.load(std::memory_order_relaxed);
      const Body body = body_.load(std::memory_order_relaxed);
      void* context = context_.load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      take(job, parts, body, context);
      seen = job;
      idle = 0;
      continue;
    }
    if (++idle < kWatch) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      continue;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    parked_.push_back(&placement);
    wake_.wait(lock, [&] {
      return stop_.load() ||
             (ticket_.load(std::memory_order_seq_cst) >> 32 != seen && (ticket_.load() & 0xffffffffu) != 0xffffffffu);
    });
    placement.release();
    parked_.erase(std::find(parked_.begin(), parked_.end(), &placement));
    sleepers_.fetch_sub(1);
    idle = 0;
  }
}

} // namespace ag
